"""Processes that do not want to end, started by a session that does.

One round a call, for the tests and for the long form; judges nothing.
"""

import asyncio
import contextlib
import os
import time
from pathlib import Path
from typing import Literal

from executor.process.environment import MARK
from tests.e2e.processes import PAUSE, until
from tests.faults.history import STRAY_SECONDS, marked
from tests.interaction.world import World
from tests.scripted_model import Recorded, Reply, call, calls, text

STUBBORN = (
    "trap '' TERM HUP INT; "
    "(setsid sh -c 'trap \"\" TERM HUP; sleep 300' >/dev/null 2>&1 &) ; "  # of another session
    "(sh -c 'trap \"\" TERM HUP; (sleep 300 &) ; sleep 300' &) ; "  # forked twice
    "setsid --fork sleep 300; "
    "echo planted; "
)
STAYING = 4
"""So many of them outlive the command's own shell."""
TIME_OUT_SECONDS = 4
End = Literal["cancel", "timeout", "exit"]
ENDS: tuple[End, ...] = ("cancel", "timeout", "exit")


def planting(request: Recorded) -> Reply:
    """A model that asks for one stubborn command, which lives until it is ended."""
    if "tool" in request.roles:
        return text("Planted.")
    end = next(end for end in ENDS if f"work-{end}" in str(request.body))
    last = "true" if end == "exit" else "sleep 300"
    seconds = {"timeout_s": TIME_OUT_SECONDS} if end == "timeout" else {}
    return calls(call("Shell", command=STUBBORN + last, **seconds))


async def felled(team: World, number: int, end: End) -> float:
    """Let a session plant its processes and end them; the seconds that they outlived that."""
    name = f"work-{end}-{number}"
    world = World(team.folder / name, team.address, team.model, 60.0)
    world.project.mkdir(parents=True)
    async with world.program(name) as program:
        mark = f"{MARK}={program.composed.journal.journal_id}.".encode()
        over = asyncio.ensure_future(program.session.run_over())
        await until(lambda: len(marked((mark,))) >= STAYING, "the processes are there")
        ending = time.monotonic()
        if end == "cancel":
            program.session.interrupt()
        if end == "timeout":
            ending += TIME_OUT_SECONDS
        await until(lambda: not marked((mark,)), "they are gone")
        seconds = time.monotonic() - ending
        await over
    return seconds


async def zombies_left() -> list[int]:
    """Dead processes below this one that nobody has looked at for 3 s; none without /proc."""
    for _ in range(round(STRAY_SECONDS / PAUSE)):
        if not _zombies():
            return []
        await asyncio.sleep(PAUSE)
    return _zombies()


def _zombies() -> list[int]:
    parents: dict[int, int] = {}
    dead: list[int] = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it is gone by now
            pid, _, rest = stat.read_text().partition(" ")
            state, parent = rest.rpartition(")")[2].split()[:2]
            parents[int(pid)] = int(parent)
            if state == "Z":
                dead.append(int(pid))
    return [pid for pid in dead if os.getpid() in _above(pid, parents)]


def _above(pid: int, parents: dict[int, int]) -> list[int]:
    line = [pid]
    while line[-1] in parents:
        line.append(parents[line[-1]])
    return line
