"""Find, await and end processes by their ids, on Linux and macOS alike.

Polls, in short bounded waits: a process that is not our child tells nobody of its end.
"""

import asyncio
import os
import subprocess
import time
from collections.abc import Callable

SECONDS = 30.0
PAUSE = 0.02


async def until(true: Callable[[], bool], what: str, seconds: float = SECONDS) -> None:
    """Wait until `true()`; AssertionError that names `what`."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:g} s"
        await asyncio.sleep(PAUSE)


def is_alive(pid: int) -> bool:
    """It is there, and no zombie that its parent has not looked at."""
    shown = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return shown.stdout.strip()[:1] not in ("", "Z")


def is_maestro(pid: int) -> bool:
    """Whether this id is still that of a private maestro, and of nothing that came later."""
    shown = subprocess.run(
        ["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return "maestro private" in shown.stdout


def end(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
    deadline = time.monotonic() + SECONDS
    while is_alive(pid):
        assert time.monotonic() < deadline, f"process {pid} does not end"
        time.sleep(PAUSE)
