"""Kill a real `codegen` at a failpoint, resume it, and gather what happened.

One round a call, for the tests and for the long form; judges nothing but its own course.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from executor.failpoints import VARIABLE
from executor.journal import journals
from maestro.bootstrap import open_ledger
from maestro.settings import Backends
from tests.e2e.machine import Machine, Ran, ended
from tests.faults.chaos import ChaosProxy
from tests.faults.history import History, Outside, gathered

KILLED = 137
_MOST_RESUMES = 3

Point = tuple[str, int]
"""A failpoint's name, and at which time that it is reached."""

EVERY_POINT: tuple[tuple[Point, ...], ...] = (
    (("recv_frame", 8),),
    (("after_policy", 5),),
    (("journal_received", 6),),
    (("before_spawn", 2),),
    (("after_spawn", 2),),
    (("mid_output", 2),),
    (("after_exit", 3),),
    (("tmp_written", 1),),
    (("decided", 2),),
    (("renamed", 2),),
    (("folders_synced", 2),),
    (("journal_finished", 6),),
    (("before_send", 7),),
    (("after_send", 7),),
    (("after_exit", 2), ("on_resume", 1)),
    (("before_send", 1),),
    (("after_send", 1), ("recv_frame", 1)),
)
"""Where it is killed, and where it is killed again on the way back; behind the bootstrap's four
calls, so that the kill meets work with effects; the last ones before the session has a name."""


@dataclass(frozen=True)
class Killed:
    """One round: how the last process ended, and what is known of the session."""

    last: Ran
    history: History
    reached: int
    """How many of its points the session came to."""


async def executor_killed(
    machine: Machine, ledger: Backends, proxy: ChaosProxy, name: str, points: Sequence[Point]
) -> Killed:
    """Run `name` (work-...) and kill it at each of `points` in turn, resuming in between."""
    folder = machine.folder / "outside"
    folder.mkdir(exist_ok=True)
    outside = Outside(folder)
    flags = ("--mode", "auto", "--no-sandbox", "--server", proxy.address)
    first = len(proxy.passed)
    last, reached = await _ran(machine, points[0], *flags, name), 0
    for point in (*points[1:], None):
        if last.code != KILLED:
            break
        reached += 1
        last = await _ran(machine, point, *flags, "--resume", _session(machine, name))
    async with open_ledger(ledger) as opened:
        history = await gathered(
            opened,
            _session(machine, name),
            machine.project,
            name,
            passed=proxy.passed[first:],
            outside=outside,
        )
    return Killed(last, history, reached)


async def _ran(machine: Machine, point: Point | None, *arguments: str) -> Ran:
    armed = {} if point is None else {VARIABLE: f"{point[0]}:{point[1]}"}
    return await ended(await machine.start(*arguments, **armed))


def _session(machine: Machine, name: str) -> str:
    """The session that this machine's journals know for this prompt."""
    state = Path(machine.environment["XDG_STATE_HOME"], "codegen")
    return next(head.name for head in journals(state) if head.title == name)
