"""A bench for steps and workers: a real SQLite ledger, a memory bus, a scripted model.

Speaks to the ledger as an edge does. Holds no tests.
"""

import itertools
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from maestro.bus.memory import MemoryBus
from maestro.domain.conversation import ModelCall
from maestro.domain.decision import Policy
from maestro.domain.events import (
    AnyEvent,
    ExecutorAttached,
    ExecutorLost,
    Fact,
    Interrupted,
    RunEnded,
    SessionOpened,
    StoredEvent,
    ToolAnswered,
    ToolAsked,
    UserSaid,
)
from maestro.ledger.sqlite import open_sqlite
from maestro.llm.scripted import Script, ScriptedModel
from maestro.planning.generation import Bounds, Generator
from maestro.planning.held import HeldSession
from maestro.planning.step import Stepper
from maestro.ports import UNBOUNDED, Allowance, Appended, Ledger, Opened, SessionRow
from protocol.from_executor import CustomTool, RunWishes

OWNER = "owner-1"
POLICY = Policy()
NO_WISHES = RunWishes()
MODEL = "test/model"


def git(subcommand: str, call_id: str = "") -> ModelCall:
    """A call of the model's."""
    return ModelCall(call_id, "Git", f'{{"args":["{subcommand}"]}}')


@dataclass
class Bench:
    ledger: Ledger
    bus: MemoryBus
    model: ScriptedModel
    policy: Policy = POLICY
    allowance: Allowance = UNBOUNDED

    def __post_init__(self) -> None:
        self._ids = itertools.count(1)

    def stepper(self, worker: str = "worker-1", settle_seconds: float = 0.0) -> Stepper:
        generator = Generator(
            self.ledger,
            self.bus,
            self.model,
            worker,
            Bounds(4, self.policy.poison_claims, self.allowance),
        )
        return Stepper(self.ledger, self.bus, generator, self.policy, settle_seconds)

    async def open(
        self,
        prompt: str = "do it",
        tools: tuple[str, ...] = ("Git",),
        *,
        custom: tuple[CustomTool, ...] = (),
        run: RunWishes = NO_WISHES,
        max_frame_bytes: int | None = None,
    ) -> str:
        """A new session; Git alone has no part in the bootstrap."""
        attached = ExecutorAttached(1, "journal-1", tools, custom, max_frame_bytes)
        said = UserSaid("message-0", prompt, run=run)
        opened = await self.ledger.open_session(OWNER, None, SessionOpened("cli"), attached, said)
        assert isinstance(opened, Opened)
        return opened.session_id

    async def fact(self, session_id: str, key: str, event: Fact) -> Appended:
        appended = await self.ledger.append_fact(OWNER, session_id, key, event)
        assert isinstance(appended, Appended), appended
        return appended

    async def say(self, session_id: str, text: str, run: RunWishes = NO_WISHES) -> None:
        name = f"message-{next(self._ids)}"
        await self.fact(session_id, f"user:{name}", UserSaid(name, text, run=run))

    async def interrupt(self, session_id: str) -> None:
        await self.fact(session_id, f"interrupt:{next(self._ids)}", Interrupted())

    async def lose(self, session_id: str) -> None:
        epoch = (await self.row(session_id)).epoch
        await self.fact(session_id, f"lost:{epoch}", ExecutorLost(epoch))

    async def answer(self, session_id: str, result: str = "ok") -> list[str]:
        """Answer every open call; their tool_ids."""
        asked = [stored.event for stored in await self.ledger.open_calls(session_id)]
        for call in asked:
            assert isinstance(call, ToolAsked)
            await self.answer_call(session_id, call, result)
        return [call.tool_id for call in asked if isinstance(call, ToolAsked)]

    async def answer_call(self, session_id: str, call: ToolAsked, result: str = "ok") -> None:
        answered = ToolAnswered(call.tool_id, call.generation_id, "success", result)
        await self.fact(session_id, f"tool:{call.tool_id}", answered)

    async def row(self, session_id: str) -> SessionRow:
        loaded = await self.ledger.load(session_id)
        assert loaded is not None
        return loaded.row

    async def stored(self, session_id: str) -> Sequence[StoredEvent]:
        loaded = await self.ledger.load(session_id)
        assert loaded is not None
        return loaded.events

    async def events(self, session_id: str) -> list[AnyEvent]:
        return [stored.event for stored in await self.stored(session_id)]

    async def ends(self, session_id: str) -> list[tuple[str, str]]:
        """Outcome and reason of each run that has ended."""
        return [
            (event.outcome, event.reason)
            for event in await self.events(session_id)
            if isinstance(event, RunEnded)
        ]

    async def run(self, session_id: str, held: HeldSession | None = None) -> HeldSession:
        """Step, answering every call, until there is nothing to do."""
        held = held or HeldSession(session_id, MODEL)
        stepper = self.stepper()
        for _ in range(1000):
            again = await stepper.step(held)
            if not again and not await self.answer(session_id):
                return held
        raise AssertionError("the session does not come to rest")


@asynccontextmanager
async def open_bench(
    folder: Path,
    scripts: Iterable[Script] = (),
    policy: Policy = POLICY,
    allowance: Allowance = UNBOUNDED,
) -> AsyncGenerator[Bench]:
    ledger = await open_sqlite(folder / "ledger.sqlite3")
    try:
        yield Bench(ledger, MemoryBus(), ScriptedModel(scripts), policy, allowance)
    finally:
        await ledger.close()
