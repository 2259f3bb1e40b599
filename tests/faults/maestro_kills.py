"""Kill one maestro of a team at a failpoint while a session is under way, and gather what happened.

One round a call, for the tests and for the long form; judges nothing.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from executor.view.port import RunSummary
from maestro.bootstrap import migrate_ledger, open_ledger
from maestro.domain.events import ExecutorAttached, ExecutorLost
from maestro.settings import Backends
from protocol.from_maestro import Outcome
from tests.e2e.processes import until
from tests.faults.chaos import chaos
from tests.faults.history import History, Watcher, gathered, moved
from tests.faults.team import Backing, MaestroProcess, maestros
from tests.interaction.world import Program, World
from tests.scripted_model import ScriptedModel
from tests.servers.postgres_server import PostgresServer

ROUND_SECONDS = 60.0

EVERY_POINT = (
    "task_committed:1",
    "handshake_ok:1",
    "before_llm:2",
    "mid_stream:4",
    "llm_done:2",
    "before_finish:1",
    "decision_committed:3",
    "run_tool_sent:5",
    "result_received:5",
    "result_committed:6",
    "result_acked:6",
    "lease_renew:1",
    "before_llm:2:pause,lease_lost:1",
)
"""Where the maestro that has the session is killed; the last one is paused until it lost it."""


@dataclass(frozen=True)
class Ended:
    """One round: how the run ended, and what is known of the session."""

    outcome: Outcome
    history: History
    exit_code: int | None
    """Of the maestro that was to die; None: it never came to the failpoint."""
    seconds: float
    """From its death, or its pause, to the next thing that the session did."""


@dataclass(frozen=True)
class Team:
    """A maestro that stays, and room for one that does not, over a database of their own.

    A maestro makes the steps of all sessions in its database, and dies with them: two rounds at
    once are two teams.
    """

    folder: Path
    backing: Backing
    survivor: MaestroProcess
    model: ScriptedModel

    @property
    def ledger(self) -> Backends:
        return Backends(database_url=self.backing.database_url)


@asynccontextmanager
async def team(
    folder: Path, postgres: PostgresServer, redis_url: str, model: ScriptedModel
) -> AsyncGenerator[Team]:
    """One in `folder`, which is made, until the block ends."""
    folder.mkdir()
    database = postgres.create_database()
    backing = Backing(postgres.dsn_of(database), redis_url, model.base_url)
    await migrate_ledger(Backends(database_url=backing.database_url))
    with maestros(folder, backing, "survivor") as (survivor,):
        await survivor.start()
        yield Team(folder, backing, survivor, model)
    postgres.drop_database(database)


async def maestro_killed(
    team: Team, name: str, failpoint: str, model_url: str | None = None
) -> Ended:
    """Run `name` (work-...) on a maestro armed with `failpoint`; the survivor takes over.

    `model_url`: the victim asks another model.
    """
    backing = replace(team.backing, model_url=model_url or team.backing.model_url)
    victim = MaestroProcess(team.folder, f"victim-{name}", backing)
    try:
        await victim.start(failpoint)
        async with chaos(victim.address, team.survivor.address) as proxy:
            watcher = Watcher(proxy.address)
            world = World(team.folder / name, proxy.address, team.model, ROUND_SECONDS)
            world.project.mkdir(parents=True)
            async with world.program(name) as program:
                overseer = asyncio.create_task(_overseen(team, victim, program))
                over = await program.session.run_over()
                assert isinstance(over, RunSummary)
                await watcher.follow(program.session_id)
                stopped_at = await overseer if victim.exit_code is not None else 0.0
                overseer.cancel()
                session_id = program.session_id
            async with open_ledger(team.ledger) as ledger:
                history = await gathered(
                    ledger,
                    session_id,
                    world.project,
                    name,
                    watchers=[watcher],
                    passed=proxy.passed,
                )
        return Ended(over.finished.outcome, history, victim.exit_code, _pause(history, stopped_at))
    finally:
        victim.kill()


async def _overseen(team: Team, victim: MaestroProcess, program: Program) -> float:
    """Wait for the victim's death, waking it where it was paused; when it stopped, in Unix time."""
    await until(lambda: victim.exit_code is not None or victim.is_paused, "it dies", ROUND_SECONDS)
    stopped_at = time.time()
    if victim.is_paused:
        async with open_ledger(team.ledger) as ledger:
            head, _ = (await ledger.heads([program.session_id]))[program.session_id]
            await moved(ledger, program.session_id, beyond=head, seconds=ROUND_SECONDS)
        victim.wake()
        await victim.ended()
    return stopped_at


def _pause(history: History, stopped_at: float) -> float:
    later = [row.at for row in history.rows if row.at > stopped_at and not _is_presence(row.event)]
    return later[0] - stopped_at if later and stopped_at else 0.0


def _is_presence(event: object) -> bool:
    return isinstance(event, ExecutorAttached | ExecutorLost)
