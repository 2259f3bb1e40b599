"""Restart what stands behind live sessions: the maestros in turn, Redis, PostgreSQL.

One course a call, for the tests and for the long form; judges nothing.
"""

import asyncio
import itertools
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from executor.view.port import RunSummary
from maestro.bootstrap import open_ledger
from maestro.settings import Backends
from protocol.from_maestro import Outcome, SessionStarted
from tests.e2e.processes import until
from tests.faults.chaos import ChaosProxy, chaos
from tests.faults.history import History, Watcher, gathered
from tests.faults.team import Backing, MaestroProcess
from tests.faults.work import effects
from tests.interaction.world import World
from tests.scripted_model import ScriptedModel

COURSE_SECONDS = 600.0


@dataclass(frozen=True)
class Lived:
    """One session that lived through it."""

    outcome: Outcome
    history: History

    @property
    def longest_pause(self) -> float:
        """Seconds between two rows of its ledger."""
        times = [row.at for row in self.history.rows]
        return max(later - earlier for earlier, later in itertools.pairwise(times))


async def lived_through(
    folder: Path,
    backing: Backing,
    model: ScriptedModel,
    proxy: ChaosProxy,
    trouble: Callable[[], Awaitable[None]],
    *,
    sessions: int,
) -> list[Lived]:
    """Run so many sessions, and `trouble` once each of them has had its first effect."""
    names = [f"work-{number}" for number in range(sessions)]
    worlds = [World(folder / name, proxy.address, model, COURSE_SECONDS) for name in names]
    for world in worlds:
        world.project.mkdir(parents=True)

    def all_at_work() -> bool:
        return all(effects(world.project) for world in worlds)

    lives = [
        asyncio.create_task(_life(world, name)) for world, name in zip(worlds, names, strict=True)
    ]
    await until(all_at_work, "every session is at work", 60.0)
    await trouble()
    ended = await asyncio.gather(*lives)
    async with open_ledger(Backends(database_url=backing.database_url)) as ledger:
        return [
            Lived(
                over.finished.outcome,
                await gathered(ledger, over.session_id, world.project, name, watchers=[watcher]),
            )
            for (over, watcher), world, name in zip(ended, worlds, names, strict=True)
        ]


async def _life(world: World, name: str) -> tuple[RunSummary, Watcher]:
    watcher = Watcher(world.address)
    async with world.program(name) as program:
        started = await program.view.until(SessionStarted)
        watching = asyncio.create_task(watcher.follow(started.session_id))
        over = await program.session.run_over()
        await watching
    assert isinstance(over, RunSummary)
    return over, watcher


async def rolled(maestros: Sequence[MaestroProcess], restarts: int) -> None:
    """SIGTERM one after the other, each started again before the next."""
    for turn in range(restarts):
        maestro = maestros[turn % len(maestros)]
        maestro.signal(signal.SIGTERM)
        await maestro.ended()
        await maestro.start()


@asynccontextmanager
async def team_door(maestros: Sequence[MaestroProcess]) -> AsyncGenerator[ChaosProxy]:
    """All of them started, behind one address."""
    for maestro in maestros:
        await maestro.start()
    async with chaos(*(maestro.address for maestro in maestros)) as proxy:
        yield proxy
