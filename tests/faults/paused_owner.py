"""Let the maestro that makes a generation stand still until another one has taken over.

One round a call, for the tests and for the long form; judges nothing.
"""

import signal
from dataclasses import dataclass

from executor.view.port import RunSummary
from maestro.bootstrap import open_ledger
from maestro.domain.events import StoredEvent
from protocol.from_maestro import Outcome
from tests.e2e.processes import until
from tests.faults.chaos import chaos
from tests.faults.history import History, gathered, rows_of
from tests.faults.maestro_kills import ROUND_SECONDS, Team
from tests.faults.team import MaestroProcess
from tests.interaction.world import World

EVERY_POINT = ("before_llm:2", "mid_stream:4", "llm_done:2")
"""Where it stands still: before it asked, while it hears, with the whole reply in its hands."""


@dataclass(frozen=True)
class Woken:
    outcome: Outcome
    history: History
    wrote: tuple[StoredEvent, ...]
    """What the ledger got after the run's end, when the paused one went on."""


async def owner_paused(team: Team, name: str, failpoint: str) -> Woken:
    """Run `name` (work-...) to its end at the survivor while its first owner stands still."""
    owner = MaestroProcess(team.folder, f"owner-{name}", team.backing)
    try:
        await owner.start(f"{failpoint}:pause")
        async with chaos(owner.address, team.survivor.address) as proxy:
            world = World(team.folder / name, proxy.address, team.model, ROUND_SECONDS)
            world.project.mkdir(parents=True)
            async with world.program(name) as program:
                await until(lambda: owner.is_paused, "it stands still")
                proxy.targets = [team.survivor.address]
                proxy.cut()
                over = await program.session.run_over()
                assert isinstance(over, RunSummary)
                session_id = program.session_id
            async with open_ledger(team.ledger) as ledger:
                before = await rows_of(ledger, session_id)
                owner.wake()
                owner.signal(signal.SIGTERM)  # it ends what it has begun, then itself
                await owner.ended()
                history = await gathered(
                    ledger, session_id, world.project, name, passed=proxy.passed
                )
        return Woken(over.finished.outcome, history, history.rows[len(before) :])
    finally:
        owner.kill()
