"""Find and end the processes that carry a call's mark, whoever started them.

For what an executor that is gone has left behind; running calls have their wardens.
"""

import os
import signal
import time
from contextlib import suppress

from executor.sandbox.launch import MARK

_ROUNDS = 200
_PAUSE_S = 0.01


def marked(mark: str) -> list[int]:
    """Processes of this user whose environment carries `mark`; none where there is no /proc.

    A mark that ends with a dot stands for all that begin so.
    """
    wanted = f"{MARK}={mark}".encode()
    try:
        pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except FileNotFoundError:
        return []
    every = mark.endswith(".")
    return [
        pid
        for pid in pids
        if pid != os.getpid()
        and any(
            entry.startswith(wanted) if every else entry == wanted for entry in _environment(pid)
        )
    ]


def end_marked(mark: str) -> int:
    """Kill what carries `mark` until nothing does, for two seconds at most; how many there were."""
    seen: set[int] = set()
    for _ in range(_ROUNDS):
        pids = marked(mark)
        if not pids:
            break
        seen.update(pids)
        for pid in pids:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_PAUSE_S)
    return len(seen)


def _environment(pid: int) -> list[bytes]:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return file.read().split(b"\0")
    except OSError:
        return []
