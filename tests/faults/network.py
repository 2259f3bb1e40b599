"""Sessions over a network that fails, and executors that fight over one session.

One round a call, for the tests and for the long form; judges nothing.
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from executor.view.port import RunSummary
from maestro.bootstrap import open_ledger
from maestro.settings import Backends
from protocol.from_maestro import Outcome, SessionStarted
from tests.e2e.processes import until
from tests.faults.chaos import ChaosProxy, Cut, chaos
from tests.faults.history import History, Watcher, gathered
from tests.interaction.world import Program, World
from tests.maestro.edge.stage import Json

ROUND_SECONDS = 60.0


Disturb = Callable[[World, Program], Coroutine[None, None, None]]
"""Done once, while the session is under way."""


@dataclass(frozen=True)
class Survived:
    outcome: Outcome
    history: History
    connections: int
    """That the executor needed."""


def door(team: World) -> tuple[str, int]:
    """Where the maestro of `team` listens."""
    host, _, port = team.address.removeprefix("http://").partition(":")
    return host, int(port)


async def _nothing(_world: World, _program: Program) -> None:
    """What most lines do to a session: they are bad as they are."""


async def session_over(
    team: World, proxy: ChaosProxy, name: str, disturb: Disturb = _nothing
) -> Survived:
    """Run `name` (work-...) through `proxy`, in a project of its own; its watcher has a proxy of
    its own that is cut at every frame or so."""
    world = World(team.folder / name, proxy.address, team.model, ROUND_SECONDS)
    world.project.mkdir(parents=True)
    async with world.program(name) as program:
        disturbing = asyncio.create_task(disturb(world, program))
        over = await program.session.run_over()
        assert isinstance(over, RunSummary)
        await disturbing
        session_id = program.session_id
    async with chaos(door(team)) as watched:
        watched.cuts.extend(Cut("down", 400 * turn) for turn in range(1, 20))
        watcher = Watcher(watched.address)
        await watcher.follow(session_id)
    async with open_ledger(Backends(state=team.folder / "maestro")) as ledger:
        history = await gathered(
            ledger, session_id, world.project, name, watchers=[watcher], passed=proxy.passed
        )
    return Survived(over.finished.outcome, history, len(proxy.passed))


async def session_cut(team: World, name: str, cuts: Sequence[Cut]) -> Survived:
    """Run `name`; its connections are cut there, one after the other."""
    async with chaos(door(team)) as proxy:
        proxy.cuts.extend(cuts)
        return await session_over(team, proxy, name)


async def outage(team: World, name: str, seconds: float) -> float:
    """Take the network away from an attached executor; how long it takes, once back, to attach."""
    async with chaos(door(team)) as proxy:
        world = World(team.folder / name, proxy.address, team.model, seconds + ROUND_SECONDS)
        world.project.mkdir(parents=True)
        async with world.program(name) as program:
            await program.session.run_over()
            proxy.go_down()
            await asyncio.sleep(seconds)
            before = len(program.view.all(SessionStarted))
            proxy.come_up()
            back = time.monotonic()
            await until(lambda: len(program.view.all(SessionStarted)) > before, "it is back", 30.0)
            return time.monotonic() - back


async def black_hole(team: World, name: str) -> float:
    """Swallow what both sides say and close nothing; how long the executor takes to come back."""
    async with chaos(door(team)) as proxy:
        world = World(team.folder / name, proxy.address, team.model, 2 * ROUND_SECONDS)
        world.project.mkdir(parents=True)
        async with world.program(name) as program:
            await program.session.run_over()
            before = len(program.view.all(SessionStarted))
            proxy.silence()
            began = time.monotonic()
            await until(
                lambda: len(program.view.all(SessionStarted)) > before, "it is back", ROUND_SECONDS
            )
            return time.monotonic() - began


async def race(team: World, racers: int = 2) -> list[str]:
    """So many strangers resume one detached session at once; how each was answered."""
    async with team.connected() as first:
        journal = secrets.token_hex(8)
        started = await first.handshake(initial_prompt="work-race", journal_id=journal)
        session_id = started["payload"]["session_id"]
    async with AsyncExitStack() as stack:
        peers = [await stack.enter_async_context(team.connected()) for _ in range(racers)]
        resume = {"session_id": session_id, "last_seq": 0}
        answers = await asyncio.gather(
            *(peer.handshake(journal_id=secrets.token_hex(8), resume=resume) for peer in peers)
        )
    return [_verdict(answer) for answer in answers]


def _verdict(answer: Json) -> str:
    payload: Json = answer["payload"]
    return "attached" if answer["type"] == "session_started" else str(payload["code"])
