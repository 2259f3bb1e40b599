"""Hold the place of protected files that do not exist yet, while commands run.

A mount needs something to be mounted on. That something is an empty folder: git does not see it,
and by its odd mode what a killed executor has left is known, and removed by whoever comes next.
"""

import errno
import fcntl
import os
import stat
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

LOCK = "lock"
"""In the folder that is kept for the project: whoever needs the stubs holds it, shared."""
_TRIES, _PAUSE = 20, 0.05
_MODE = 0o1700
"""Whoever owns it may move it: that takes the right to write in it."""
_CONTENT_MAX = 64
_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LOCK_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


def holds_a_place(path: str, below: int | None = None) -> bool:
    """Whether what stands at `path` was put there by `Stubs`, of whichever session.

    `below`: the handle of the folder that `path` is relative to.
    """
    try:
        status = os.stat(path, dir_fd=below, follow_symlinks=False)
        if status.st_mode != stat.S_IFDIR | _MODE:
            return False
        folder = os.open(path, _FOLDER_FLAGS, dir_fd=below)
        try:
            return not os.listdir(folder)
        finally:
            os.close(folder)
    except OSError:
        return False


def sweep(project: str, names: Mapping[str, str | None], kept: str) -> None:
    """Remove what the `Stubs` of a killed executor have put up, unless a command needs it still.

    Two that end at once are in each other's way: so it tries again, for a second.
    """
    contents = {name: None if text is None else text.encode() for name, text in names.items()}
    Stubs(Path(project), contents, Path(kept)).close(tries=_TRIES)


class Stubs:
    """Of one command, until it has ended.

    Commands of all sessions in one project share the names; the last one to end removes them.
    Folders are moved in from `kept` and back: to free one waits for the disk, to move one does not.
    """

    def __init__(self, project: Path, names: Mapping[str, bytes | None], kept: Path) -> None:
        """`names` are paths relative to `project` whose folders exist; those with a content are
        files of that content instead, for readers that would stumble over a folder. `kept` is a
        folder of this user's alone, for this project."""
        self._project = str(project)
        self._names = names
        self._spare = f"{kept}/spare"
        self._lock = os.open(kept / LOCK, _LOCK_FLAGS, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_SH)

    def put_up(self) -> tuple[str, ...]:
        """The names that are held; one that came to exist meanwhile is not. Raises OSError."""
        with suppress(FileExistsError):
            os.mkdir(self._spare, 0o700)
        return tuple(name for name in self._names if self._held(name))

    def close(self, tries: int = 1) -> None:
        while tries and not self._removed():
            tries -= 1
            if tries:
                time.sleep(_PAUSE)
        os.close(self._lock)

    def _removed(self) -> bool:
        """False while another command runs, and needs them still."""
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        for name in self._names:
            if self._is_stub(name):
                with suppress(OSError):  # somebody has put it to use, or was faster
                    self._remove(name)
        return True

    def _held(self, name: str) -> bool:
        path, content = self._at(name), self._names[name]
        try:
            if os.path.lexists(path):
                return self._is_stub(name)
            if content is None:
                self._make_folder(path, self._spare_of(name))
            else:
                self._make_file(path, self._spare_of(name), content)
        except FileExistsError:
            return self._is_stub(name)
        except OSError as error:
            if error.errno == errno.EROFS:  # then nobody can make one either
                return False
            raise
        return True

    def _make_folder(self, path: str, spare: str) -> None:
        """In one step, so that no other session meets it with another mode."""
        try:
            os.rename(spare, path)
        except OSError:  # there is none, or it lies on another disk
            os.mkdir(path, _MODE)

    def _make_file(self, path: str, spare: str, content: bytes) -> None:
        """Made aside, so that no other session meets it half written."""
        if _content(spare) != content:
            fresh = f"{spare}.{os.getpid()}"
            Path(fresh).write_bytes(content)
            os.replace(fresh, spare)
        try:
            os.link(spare, path)
        except FileExistsError:
            raise
        except OSError:  # it lies on another disk
            with open(path, "xb") as file:
                file.write(content)

    def _remove(self, name: str) -> None:
        path = self._at(name)
        if self._names[name] is not None:
            os.unlink(path)
            return
        spare = self._spare_of(name)
        try:
            os.rename(path, spare)
        except OSError as error:
            if error.errno not in (errno.EXDEV, errno.ENOENT):
                raise
            os.rmdir(path)
            return
        if os.listdir(spare):  # put to use between the look and the move
            os.rename(spare, path)

    def _is_stub(self, name: str) -> bool:
        path, content = self._at(name), self._names[name]
        return holds_a_place(path) if content is None else _content(path) == content

    def _at(self, name: str) -> str:
        return f"{self._project}/{name}"

    def _spare_of(self, name: str) -> str:
        return f"{self._spare}/{name.replace('%', '%25').replace('/', '%2F')}"


def _content(path: str) -> bytes | None:
    """How a file begins; None for anything else."""
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return None
        with open(path, "rb") as file:
            return file.read(_CONTENT_MAX)
    except OSError:
        return None
