"""The folders for output that is too long for a result: one a session, old ones removed.

Whoever uses one holds a lock on it; files of it are its user's business.
"""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

AGE_MAX_S = 7 * 86_400.0
BYTES_MAX = 1024 * 1024 * 1024
"""Of all sessions that are over, together; the oldest go first."""


class Outputs(msgspec.Struct, frozen=True):
    """This session's folder, 0700, locked while `handle` is open."""

    path: Path
    handle: int

    def close(self) -> None:
        """Leave it, and leave none that is empty."""
        with suppress(OSError):
            self.path.rmdir()
        os.close(self.handle)


class _Old(msgspec.Struct, frozen=True):
    changed_at: float
    size: int
    path: Path


def open_outputs(state: Path, journal_id: str) -> Outputs:
    """The folder of one session, made if need be; elsewhere where the state can't be written."""
    path = _all(state) / journal_id
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.chmod(0o700)
    except OSError:  # the journal has said so: what only reads goes on all the same
        path = Path(tempfile.mkdtemp(prefix="codegen-output-"))
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    with suppress(OSError):  # a file system without locks
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    return Outputs(path, handle)


def remove_old(state: Path, stopped: Callable[[], bool] = lambda: False) -> None:
    """Remove what nobody uses and is too old or too much. What can't be removed is left."""
    oldest_first = sorted(_sessions(_all(state)), key=lambda one: one.changed_at)
    left = sum(one.size for one in oldest_first)
    for one in oldest_first:
        if stopped():
            return
        if left <= BYTES_MAX and time.time() - one.changed_at < AGE_MAX_S:
            return
        if _remove(one.path):
            left -= one.size


def _all(state: Path) -> Path:
    return state / "output"


def _sessions(folder: Path) -> list[_Old]:
    found: list[_Old] = []
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):
                if entry.is_dir(follow_symlinks=False):
                    facts = [file.stat(follow_symlinks=False) for file in os.scandir(entry)]
                    changed_at = max(
                        (fact.st_mtime for fact in facts), default=entry.stat().st_mtime
                    )
                    size = sum(fact.st_size for fact in facts)
                    found.append(_Old(changed_at, size, Path(entry.path)))
    return found


def _remove(path: Path) -> bool:
    """Whether it is gone; a folder in use stays."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(path)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True
