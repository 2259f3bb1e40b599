"""Confine commands with bubblewrap: namespaces and mounts, and a seccomp filter on top.

Makes arguments of paths; which paths are what is told elsewhere.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from executor.sandbox.launch import FIRST_HANDLE
from executor.sandbox.premises import Bounds

SETTINGS_AT, FILTER_AT, PROJECT_AT, FOLDER_AT = range(FIRST_HANDLE, FIRST_HANDLE + 4)
STATUS_AT = FOLDER_AT + 1
"""No shell needs it: bubblewrap lets go of it before it becomes the command."""
BROKEN = 1
"""What bubblewrap exits with where it can't set up a sandbox, as many a command does too."""
SETTINGS = "/proc/sys/kernel"
"""Open under SETTINGS_AT, where the namespace's bound on processes is to be set: in the sandbox,
where it holds, /proc can't be written."""

NAMESPACES = (
    "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try",
    "--disable-userns", "--new-session", "--cap-drop", "ALL", "--hostname", "sandbox",
)  # fmt: skip
_PRELUDE = (
    f"[ . -ef /proc/self/fd/{FOLDER_AT} ] || {{ echo 'the folder was replaced' >&2; exit 126; }}; "
    f"exec {FOLDER_AT}<&-; echo 500 2>/dev/null >/proc/self/oom_score_adj; "
    'ulimit -c 0; ulimit -d "$2"; {{ ulimit -u "$1" || ulimit -p "$1"; }} 2>/dev/null; '
    'shift 2; exec "$@"'
).replace("{{", "{").replace("}}", "}")  # fmt: skip
"""In the sandbox, before the command: the folder must be the one that was meant, whatever its name
leads to by now; limits are set here, because they count by user namespace."""


_BOUNDED = (
    f'echo "$1" 2>/dev/null >/proc/self/fd/{SETTINGS_AT}/pid_max; exec {SETTINGS_AT}<&-; shift; '
)
"""Before that, where the namespace bounds processes. The name leads to the setting of whichever
namespace it is opened in."""


class Sight(msgspec.Struct, frozen=True):
    """What a command sees, in the order in which it is laid over the machine read-only."""

    kernel: tuple[Path, ...]
    """What of /proc may be read only."""
    hidden: tuple[Path, ...]
    """Folders shown empty."""
    places: tuple[tuple[Path, Path], ...]
    """Writable folders of the sandbox's own, and where they appear."""
    readable: tuple[Path, ...]
    writable: tuple[Path, ...]
    project: Path
    kept_writable: tuple[str, ...]
    """Folders of the project that may be written in, but not replaced."""
    protected: tuple[str, ...]
    """Paths of the project that may be read only."""
    shut: tuple[Path, ...]
    """Files that can't be read, folders shown empty: of the project, or wherever the above shows
    them."""
    closed: tuple[Path, ...] = ()
    """The same of the system."""
    constant: tuple[tuple[Path, str], ...] = ()
    """Files that stand in a protected path's place."""


def arguments(
    program: str,
    sight: Sight,
    workdir: str,
    *,
    bounds: Bounds,
    shares_network: bool,
    takes_handle: bool,
    filtered: bool,
    namespace_bound: int | None = None,
) -> tuple[str, ...]:
    """bubblewrap's own; the command follows. `takes_handle`: this release knows --bind-fd;
    `namespace_bound`: see `limits`."""
    if takes_handle:
        project = ("--bind-fd", str(PROJECT_AT), str(sight.project))
    else:
        project = ("--bind", str(sight.project), str(sight.project))
    return (
        program,
        *NAMESPACES,
        *(() if shares_network else ("--unshare-net",)),
        *(("--seccomp", str(FILTER_AT)) if filtered else ()),
        *("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"),
        *_bound("--ro-bind", sight.kernel),
        *_shut_files(sight.closed),
        *_each("--tmpfs", sight.hidden, bounds),
        *(part for kept, place in sight.places for part in ("--bind", str(kept), str(place))),
        *_bound("--ro-bind", sight.readable),
        *_bound("--bind", sight.writable),
        *project,
        *_bound("--bind", (sight.project / path for path in sight.kept_writable)),
        *_bound("--ro-bind", (sight.project / path for path in sight.protected)),
        *(
            part
            for kept, path in sight.constant
            for part in ("--ro-bind", str(kept), str(sight.project / path))
        ),
        *_shut_files(sight.shut),
        *_shut_folders((*sight.shut, *sight.closed), bounds),
        *("--json-status-fd", str(STATUS_AT)),
        *("--chdir", workdir, "--", "/bin/sh", "-c"),
        *((_PRELUDE, "sh") if namespace_bound is None else (_BOUNDED + _PRELUDE, "sh")),
        *(() if namespace_bound is None else (str(namespace_bound),)),
        *(str(bounds.processes), str(bounds.memory_bytes >> 10)),
    )


def _each(option: str, paths: Iterable[Path], bounds: Bounds) -> Iterator[str]:
    for path in paths:
        yield from ("--size", str(bounds.scratch_bytes), option, str(path))


def _bound(option: str, paths: Iterable[Path]) -> Iterator[str]:
    for path in paths:
        yield from (option, str(path), str(path))


def _shut_files(paths: Iterable[Path]) -> Iterator[str]:
    """As early as may be: for each file or folder that it binds, bubblewrap reads the list of all
    mounts that there are by then, which takes longer than all the rest of it."""
    for path in map(str, paths):
        if not os.path.isdir(path):
            yield from ("--ro-bind", "/dev/null", path)


def _shut_folders(paths: Iterable[Path], bounds: Bounds) -> Iterator[str]:
    """As file systems in memory, which take no such reading; what might be written goes nowhere."""
    for path in map(str, paths):
        if os.path.isdir(path):
            yield from ("--perms", "0555", "--size", str(bounds.scratch_bytes), "--tmpfs", path)
