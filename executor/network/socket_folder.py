"""A folder of this process's alone for sockets, however long its path; gone with the process.

What a killed process has left is known by its lock, and removed by whoever comes next.
"""

import fcntl
import os
import secrets
import socket
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

_BACKLOG = 64
_PREFIX = "way-out-"
_ATTEMPTS = 3
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class SocketFolder:
    """Linux only: a socket's address is short, so it is named by way of the folder's handle."""

    def __init__(self, parent: Path) -> None:
        """`parent` is this user's alone. Raises OSError."""
        parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _remove_left(parent)
        self.path, self._handle = _made(parent)
        self._count = 0

    @contextmanager
    def listening(self) -> Generator[tuple[socket.socket, str]]:
        """A socket and its path; it is unlinked with the context, and its user closes it."""
        self._count += 1
        name = f"{self._count}"
        listener = socket.socket(socket.AF_UNIX)
        try:
            listener.bind(f"/proc/self/fd/{self._handle}/{name}")
            listener.listen(_BACKLOG)
        except OSError:
            listener.close()
            raise
        try:
            yield listener, str(self.path / name)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=self._handle)

    def close(self) -> None:
        if self._handle >= 0:
            _emptied(self.path)
            os.close(self._handle)
            self._handle = -1


def _made(parent: Path) -> tuple[Path, int]:
    """A folder and the handle that holds it; who tidies up might be faster, but not for ever."""
    for _ in range(_ATTEMPTS):
        path = parent / f"{_PREFIX}{secrets.token_hex(6)}"
        path.mkdir(mode=0o700)
        handle = os.open(path, _FOLDER)
        fcntl.flock(handle, fcntl.LOCK_SH)
        if path.is_dir():
            return path, handle
        os.close(handle)
    raise OSError(f"folders in {parent} are removed as soon as they are made")


def _remove_left(parent: Path) -> None:
    """Folders that no living process holds."""
    for folder in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # it is held, or somebody was faster
            handle = os.open(folder, _FOLDER)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _emptied(folder)
            finally:
                os.close(handle)


def _emptied(folder: Path) -> None:
    with suppress(OSError):  # what can't be removed is the next one's
        for name in os.listdir(folder):
            os.unlink(folder / name)
        folder.rmdir()
