"""An executor that dies at any await of its way from an effect to the end of the run.

Killed at the first await behind the effect, at the second, and so on until none is left; each time
the next process resumes, and the ledger is compared with that of a run that nobody killed.
"""

import asyncio
import itertools
import re
from pathlib import Path
from typing import Any

from executor.journal import open_journal
from executor.session import NewSession, ResumedSession, SessionStart
from executor.tool_context import ToolContext, ToolOutcome
from maestro.bootstrap import open_ledger
from maestro.domain.events import ExecutorAttached, ExecutorLost
from maestro.settings import Backends
from protocol.tools import BY_NAME
from protocol.tools.contract import ToolContract
from tests.executor.session.rig import Rig, running
from tests.faults.chaos import ChaosProxy, chaos
from tests.faults.history import rows_of
from tests.faults.mortal import Life, mortality
from tests.faults.network import door
from tests.interaction.world import world
from tests.requirements import covers
from tests.scripted_model import Recorded, Reply, call, calls, text

WORK = "count me"
SECONDS = 10.0
_CHANCE = re.compile(r"(?<=duration_ms=)\d+|(?<=basis=)\d+|(?<=call_)\d+(?=_)")


class Counted:
    """A `Shell` whose effect is a number."""

    def __init__(self, life: Life | None = None) -> None:
        self.effects = 0
        self._life = life

    @property
    def contract(self) -> ToolContract:
        return BY_NAME["Shell"]

    async def run(self, parameters: Any, _context: ToolContext) -> ToolOutcome:
        if parameters.command == WORK:
            self.effects += 1
            if self._life is not None:
                self._life.arm()
        return ToolOutcome("done")


def script(request: Recorded) -> Reply:
    if "tool" in request.roles:
        return text("All of it is done.")
    return calls(call("Shell", command=WORK))


async def work(rig: Rig, address: str, start: SessionStart, shell: Counted) -> None:
    async with running(rig, address, start, tools={"Shell": shell}) as session:
        await session.run_over()


async def ledger_after(
    folder: Path, ledger: Backends, proxy: ChaosProxy, awaits: int
) -> tuple[list[str], bool, int]:
    """What the ledger holds, whether there was a kill, and how often the effect took place."""
    folder.mkdir()
    rig = Rig.at(folder, proxy.address)
    life = Life(awaits)
    first, second = Counted(life), Counted()
    begun = SessionStart(NewSession("do it"))
    async with life.buried_at_last(), asyncio.timeout(SECONDS):
        was_killed = await life.live(work(rig, proxy.address, begun, first))
        session_id = rig.journal.session_id
        assert session_id is not None
        if was_killed:
            rig.journal.close()
            proxy.cut(reset=True)
            again = Rig(folder, open_journal(folder / "state", rig.journal.journal_id))
            if again.journal.known.run_open is not False:  # it died behind the end
                await work(again, proxy.address, SessionStart(ResumedSession()), second)
            again.journal.close()
        proxy.go_down()
        await life.bury()
        proxy.come_up()
    async with open_ledger(ledger) as opened:
        events = [row.event for row in await rows_of(opened, session_id)]
    # How often it came is no matter, and neither is how long anything took.
    told = [repr(one) for one in events if not isinstance(one, ExecutorAttached | ExecutorLost)]
    told = [_CHANCE.sub("", one.replace(rig.journal.journal_id, "J")) for one in told]
    return told, was_killed, first.effects + second.effects


@covers("R-ONCE-2")
async def test_an_executor_killed_at_any_await_of_its_answer_leaves_the_same_ledger(
    tmp_path: Path,
) -> None:
    async with world(tmp_path, script) as here, chaos(door(here)) as proxy:
        ledger = Backends(state=tmp_path / "maestro")
        with mortality():
            expected, _, _ = await ledger_after(tmp_path / "whole", ledger, proxy, 10_000)
            kills = 0
            for awaits in itertools.count(1):
                found, was_killed, effects = await ledger_after(
                    tmp_path / str(awaits), ledger, proxy, awaits
                )
                assert effects == 1
                assert found == expected, awaits
                if not was_killed:
                    break
                kills += 1
    assert kills > 5
