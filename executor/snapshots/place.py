"""Where the snapshots of a project lie, and the locks beside them.

`STATE/snapshots/KEY/`, the key made of real path, device and inode: another folder put in the
project's place is another project. Names and locks; opens no store.
"""

import contextlib
import fcntl
import hashlib
import os
import time
from collections.abc import Generator
from pathlib import Path

from executor.errors import SnapshotError

LOCK_SECONDS = 20.0
_POLL_SECONDS = 0.02
_OWNER = "owner-"
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


def snapshot_folder(state: Path, root: Path) -> Path:
    """The folder for the project `root`; raises OSError where that is not there."""
    real = root.resolve(strict=True)
    status = real.stat()
    identity = b"%b\0%d\0%d" % (os.fsencode(real), status.st_dev, status.st_ino)
    return state / "snapshots" / hashlib.sha256(identity).hexdigest()[:32]


@contextlib.contextmanager
def exclusively(folder: Path, seconds: float = LOCK_SECONDS) -> Generator[None]:
    """Hold off every other thread and process that works on these snapshots.

    Raises SnapshotError where that takes longer than `seconds`.
    """
    descriptor = os.open(folder / "lock", _FLAGS, 0o600)
    try:
        deadline = time.monotonic() + seconds
        while not _locked(descriptor):
            if time.monotonic() > deadline:
                raise SnapshotError(
                    "another codegen works on the snapshots of this project: try again later"
                )
            time.sleep(_POLL_SECONDS)
        yield
    finally:
        os.close(descriptor)


class Owner:
    """Proof that a process lives: a file that is locked until the process is gone."""

    def __init__(self, folder: Path, name: str) -> None:
        """Raises OSError where the file can't be made."""
        self.name = name
        self._path = _path(folder, name)
        self._descriptor = os.open(self._path, _FLAGS, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def close(self) -> None:
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)


def somebody_died(folder: Path) -> bool:
    """Whether an owner is gone and left its proof; False where no snapshots can be read."""
    try:
        names = os.listdir(folder)
    except OSError:
        return False
    return any(
        not is_alive(folder, name.removeprefix(_OWNER), remove=False)
        for name in names
        if name.startswith(_OWNER)
    )


def is_alive(folder: Path, name: str, *, remove: bool = True) -> bool:
    """Whether the owner `name` is at work; what a dead one left is removed, or not."""
    path = _path(folder, name)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
        if not _locked(descriptor):
            return True
        if remove:
            path.unlink(missing_ok=True)
        return False
    finally:
        os.close(descriptor)


def remove_the_dead(folder: Path) -> None:
    """Remove what owners have left that are gone."""
    for name in os.listdir(folder):
        if name.startswith(_OWNER):
            is_alive(folder, name.removeprefix(_OWNER))


def _path(folder: Path, name: str) -> Path:
    return folder / f"{_OWNER}{name}"


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
