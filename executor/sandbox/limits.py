"""How much commands may take, where a control group or a namespace can hold them to it.

Makes one group for a session where this user may; limits of single processes are set elsewhere.
"""

import os
import platform
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from executor.sandbox.premises import Bounds

_MOUNT = Path("/sys/fs/cgroup")
_OURS = 64
"""Processes of the executor's own beside the commands'."""
_MADE_BY = re.compile(r"codegen-([0-9]+)-[0-9a-f]+")
_YOUNG_S = 60.0
"""An executor whose processes are not seen from here may be about to enter its group."""
_FIRST_REUSED = 300
"""Below, the kernel gives out each process id of a namespace once only."""
_BOUNDED_NAMESPACES = (6, 14)
"""The first Linux where /proc/sys/kernel/pid_max is each process namespace's own. Before, it is
the whole machine's, and must never be written."""


def group_name(owner: object) -> str:
    """By which whoever comes later knows that this process has made it."""
    return f"codegen-{os.getpid()}-{id(owner):x}"


def namespace_bound(bounds: Bounds, release: str | None = None) -> int | None:
    """What /proc/sys/kernel/pid_max is set to in a command's namespace; None: by no means.

    It holds root too, whom RLIMIT_NPROC does not bind: so many processes and threads at once, and
    up to 300 more at first. For others the limit does, and they may not write the setting.
    """
    known = platform.release() if release is None else release
    numbers = re.match(r"([0-9]+)\.([0-9]+)", known)
    if os.getuid() != 0 or numbers is None:
        return None
    if (int(numbers[1]), int(numbers[2])) < _BOUNDED_NAMESPACES:
        return None
    return _FIRST_REUSED + bounds.processes


def memory_of(bounds: Bounds) -> int:
    """Bytes that one process may take: the bound, or three quarters of the machine's."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(bounds.memory_bytes, machine * 3 // 4)


class Group:
    """A control group for all commands of a session; without one, nothing is joined."""

    def __init__(self, name: str, bounds: Bounds) -> None:
        self._folder = next(_made(name, bounds), None)

    @property
    def join(self) -> tuple[str, ...]:
        return () if self._folder is None else (str(self._folder / "cgroup.procs"),)

    def close(self) -> None:
        """Remove it; one that a process is still leaving stays behind, empty."""
        if self._folder is not None:
            with suppress(OSError):
                self._folder.rmdir()


def _made(name: str, bounds: Bounds) -> Iterator[Path]:
    for parent in _parents():
        _remove_left(parent)
        folder = parent / name
        try:
            folder.mkdir()
        except OSError:
            continue
        try:
            (folder / "pids.max").write_text(str(bounds.processes + _OURS))
        except OSError:
            with suppress(OSError):
                folder.rmdir()
            continue
        with suppress(OSError):  # a controller that is not given to this user
            (folder / "memory.max").write_text(str(memory_of(bounds)))
        yield folder


def _remove_left(parent: Path) -> None:
    """Remove groups of executors that were killed; one with a process in it can't be removed."""
    try:
        names = os.listdir(parent)
    except OSError:
        return
    for name in names:
        made_by = _MADE_BY.fullmatch(name)
        if made_by is None or os.path.exists(f"/proc/{made_by[1]}"):
            continue
        with suppress(OSError):  # it is gone, or in use
            if time.time() - os.stat(parent / name).st_mtime > _YOUNG_S:
                os.rmdir(parent / name)


def _parents() -> Iterator[Path]:
    """Groups of this process, or beside it, that may hold another one."""
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        inside = path.lstrip("/")
        if controllers == "pids":
            yield _MOUNT / "pids" / inside
        elif not controllers:
            yield (_MOUNT / inside).parent if inside else _MOUNT
            yield _MOUNT / inside
