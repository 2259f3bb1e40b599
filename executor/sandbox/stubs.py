"""Hold the place of protected files that do not exist yet, while commands run.

A mount needs something to be mounted on. That something is an empty folder: git does not see it,
and by its odd mode what a killed executor has left is known, and removed by whoever comes next.
"""

import errno
import fcntl
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

_MODE = 0o1500
_LOCK_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


class Stubs:
    """Of one command, until it has ended.

    Commands of all sessions in one project share the names; the last one to end removes them.
    """

    def __init__(self, project: Path, names: Mapping[str, bytes | None], lock: Path) -> None:
        """`names` are paths relative to `project` whose folders exist; those with a content are
        files of that content instead, for readers that would stumble over a folder."""
        self._project = project
        self._names = names
        self._lock = os.open(lock, _LOCK_FLAGS, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_SH)

    def put_up(self) -> tuple[str, ...]:
        """The names that are held; one that came to exist meanwhile is not. Raises OSError."""
        return tuple(name for name in self._names if self._held(name))

    def close(self) -> None:
        with suppress(BlockingIOError):  # another command runs, and needs them still
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for name in self._names:
                if self._is_stub(name):
                    with suppress(OSError):  # somebody has put it to use, or was faster
                        self._remove(name)
        os.close(self._lock)

    def _held(self, name: str) -> bool:
        try:
            self._make(self._project / name, self._names[name])
        except FileExistsError:
            return self._is_stub(name)
        except OSError as error:
            if error.errno == errno.EROFS:  # then nobody can make one either
                return False
            raise
        return True

    def _make(self, path: Path, content: bytes | None) -> None:
        if content is None:
            path.mkdir()
            path.chmod(_MODE)
            return
        with open(path, "xb") as file:
            file.write(content)

    def _remove(self, name: str) -> None:
        if self._names[name] is None:
            os.rmdir(self._project / name)
        else:
            os.unlink(self._project / name)

    def _is_stub(self, name: str) -> bool:
        path, content = self._project / name, self._names[name]
        try:
            kind = os.lstat(path).st_mode
            if content is None:
                return kind == stat.S_IFDIR | _MODE
            return stat.S_ISREG(kind) and path.read_bytes() == content
        except OSError:
            return False
