"""One session as its edge and its worker use it, with short words for what tests do often.

Holds no test.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from maestro.domain.events import (
    MAESTRO,
    AnyEvent,
    CallCancelled,
    ExecutorAttached,
    Fact,
    ModelReplied,
    RunEnded,
    SessionOpened,
    StoredEvent,
    ToolAnswered,
    ToolAsked,
    UserSaid,
)
from maestro.ports import Appended, Claim, Ledger, Loaded, Opened, Refused, SessionRow

OWNER = "owner-1"
OPENED = SessionOpened(client_type="cli")
ATTACHED = ExecutorAttached(epoch=0, journal_id="journal-1", known_tools=("Shell",))
ATTACHED_ELSEWHERE = ExecutorAttached(epoch=0, journal_id="journal-2")
ATTACHED_WITHOUT_JOURNAL = ExecutorAttached(epoch=0, journal_id=None)
SAID = UserSaid(message_id="m1", content="Add a --json flag")


def asked(tool_id: str) -> ToolAsked:
    return ToolAsked(tool_id, "g1", "Shell", {"command": "ls"})


def asked_of_the_maestro(tool_id: str) -> ToolAsked:
    return ToolAsked(tool_id, "g1", "UpdatePlan", {"steps": []}, bound_to=MAESTRO)


def answered(tool_id: str, result: str = "ok") -> ToolAnswered:
    return ToolAnswered(tool_id, "g1", "success", result)


def ended(basis: int) -> RunEnded:
    return RunEnded(basis, 1, "success", "completed")


@dataclass(frozen=True)
class Desk:
    ledger: Ledger
    session_id: str
    written: list[Loaded] = field(default_factory=list[Loaded])
    """What the appends of this desk said that they left."""

    @classmethod
    async def open(
        cls,
        ledger: Ledger,
        handshake_id: str | None = "h1",
        attached: ExecutorAttached = ATTACHED,
        owner: str = OWNER,
    ) -> "Desk":
        opened = await ledger.open_session(owner, handshake_id, OPENED, attached, SAID)
        assert isinstance(opened, Opened)
        return cls(ledger, opened.session_id)

    async def load(self) -> Loaded:
        loaded = await self.ledger.load(self.session_id)
        assert loaded is not None
        return loaded

    async def row(self) -> SessionRow:
        return (await self.load()).row

    async def keys(self) -> list[str]:
        return [event.key for event in (await self.load()).events]

    async def event(self, seq: int) -> AnyEvent:
        return (await self.load()).events[seq - 1].event

    async def append_decision(
        self, session_id: str, events: Sequence[AnyEvent], claim: Claim, basis: int
    ) -> Appended | Refused:
        """The outcome without what was written, which tests of its own compare."""
        return self._bare(await self.ledger.append_decision(session_id, events, claim, basis))

    async def append_fact(
        self, owner: str, session_id: str, key: str, event: Fact, *, epoch: int | None = None
    ) -> Appended | Refused:
        """As `append_decision`."""
        return self._bare(await self.ledger.append_fact(owner, session_id, key, event, epoch=epoch))

    async def decide(self, *events: AnyEvent, basis: int | None = None) -> Appended | Refused:
        """As a worker without a lease, that has read everything unless `basis` says less."""
        row = await self.row()
        claim = Claim(self.session_id, "worker", row.decision, row.attempt, row.lost)
        return await self.append_decision(
            self.session_id, events, claim, row.head if basis is None else basis
        )

    async def ask(self, *tool_ids: str) -> Appended | Refused:
        row = await self.row()
        return await self.decide(ModelReplied("g1", row.head, ""), *map(asked, tool_ids))

    async def cancel(self, tool_id: str, *, closes: bool = False) -> Appended | Refused:
        row = await self.row()
        return await self.decide(CallCancelled(tool_id, row.head, closes=closes))

    async def answer(
        self, tool_id: str, result: str = "ok", *, epoch: int = 1
    ) -> Appended | Refused:
        return await self.append_fact(
            OWNER, self.session_id, f"tool:{tool_id}", answered(tool_id, result), epoch=epoch
        )

    async def say(self, message_id: str, *, epoch: int | None = 1) -> Appended | Refused:
        return await self.append_fact(
            OWNER,
            self.session_id,
            f"user:{message_id}",
            UserSaid(message_id, "and then?"),
            epoch=epoch,
        )

    async def settle(self) -> None:
        """Let the session wait for a fact."""
        row = await self.row()
        assert await self.ledger.rest(self.session_id, row.head, None)

    def _bare(self, outcome: Appended | Refused) -> Appended | Refused:
        if isinstance(outcome, Appended) and outcome.written is not None:
            self.written.append(outcome.written)
        return bare(outcome)

    async def is_due(self) -> bool:
        return self.session_id in await self.ledger.due()


def bare(outcome: Appended | Refused) -> Appended | Refused:
    """Without what was written."""
    if isinstance(outcome, Appended):
        return msgspec.structs.replace(outcome, written=None)
    return outcome


def tool_ids(events: Sequence[StoredEvent]) -> list[str]:
    """Of ToolAsked rows."""
    return [event.event.tool_id for event in events if isinstance(event.event, ToolAsked)]
