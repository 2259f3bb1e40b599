"""The private maestros of this user that run: who they are, and how to end one.

Finds them by their sockets in the runtime folder; starts none.
"""

import contextlib
import os
import signal
import socket
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from executor.errors import ServerUnreachable
from executor.local_maestro.place import Place

STOP_SECONDS = 40.0
"""A maestro gives what it is making 30 s to end."""
MAX_STANDING = 100
_LOOK_SECONDS = 0.02
_LOCAL_PEERPID = 2
"""macOS: sys/un.h."""


class Standing(msgspec.Struct, frozen=True):
    """One that listens."""

    place: Place
    pid: int
    secret: str
    memory: int | None
    """Resident bytes, where the system tells."""


def standing(folder: Path) -> Iterator[Standing]:
    """All that listen in the runtime folder; what is left of others is passed over."""
    for path in sorted(folder.glob("*.sock"))[:MAX_STANDING]:
        place = Place(folder, path.stem)
        pid = _listener(path)
        if pid is not None:
            with contextlib.suppress(OSError):  # it ends at this moment
                yield Standing(place, pid, place.secret.read_text(), _memory(pid))


def stop(one: Standing) -> None:
    """Ask it to end and wait; raises ServerUnreachable when it does not."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(one.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while _listener(one.place.socket) == one.pid or _is_alive(one.pid):
        if time.monotonic() > deadline:
            raise ServerUnreachable(
                f"the private maestro {one.pid} is still ending after {STOP_SECONDS:.0f} s"
            )
        time.sleep(_LOOK_SECONDS)


def _listener(path: Path) -> int | None:
    """The process that listens there, if any does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
            if sys.platform == "linux":
                told = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
                return struct.unpack("3i", told)[0]
            return probe.getsockopt(0, _LOCAL_PEERPID)
        except OSError:
            return None


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    """It has ended, and whoever started it has not looked yet."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] == "Z"


def _memory(pid: int) -> int | None:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")
