"""What each event does to its session's row and calls: the rules of an append, in one place.

Pure. Decides nothing about keys and fences, and writes nothing.
"""

from dataclasses import dataclass, field
from typing import assert_never

import msgspec

from maestro.domain.events import (
    MAESTRO,
    AnyEvent,
    BootstrapAsked,
    CallCancelled,
    CallWaiting,
    Compacted,
    Decision,
    ExecutorAttached,
    ExecutorLost,
    Forked,
    GenerationDropped,
    Interrupted,
    ModelFailed,
    ModelReplied,
    PlanChanged,
    Rewound,
    RunEnded,
    RunParked,
    RunWoken,
    SessionOpened,
    StoredEvent,
    ToolAnswered,
    ToolAsked,
    UsageCounted,
    UserSaid,
)
from maestro.ledger.rows import Before, Call, CallState, EventRow, event_row
from maestro.ports import Claimant, Loaded, SessionRow
from protocol.from_maestro import Outcome, RunStatus

_STATUS_AFTER: dict[Outcome, RunStatus] = {
    "success": "completed",
    "error": "error",
    "interrupted": "idle",
}


_MOST_TOKENS = 10**12
"""Of one generation: a provider may claim anything, a column holds only so much."""


class Change(msgspec.Struct, frozen=True):
    """One append, ready to be written where head, decision and attempt are still those read."""

    session_id: str
    head: int
    decision: int
    attempt: int
    rows: tuple[EventRow, ...]
    new_decision: int
    new_attempt: int
    new_lost: int
    open_calls: int
    epoch: int
    journal_id: str | None
    attached: bool
    status: str
    at: float
    seen: bool
    """The executor was seen: `seen_at` becomes `at`."""
    moves_due: bool
    """False leaves `due_at` to a step that sets its timer meanwhile."""
    due_at: float | None
    frees_lease: bool
    closes_calls: bool
    """All of the session, before `calls` are put."""
    calls: tuple[Call, ...]
    """Issued, or in a state that has changed."""
    written: Loaded
    """What a reader finds once it is committed."""
    tokens: int = 0
    """What the owner spent by it."""
    claimant: Claimant | None = None
    """For whom the claim is taken in the same transaction, where nothing stands against it."""

    @property
    def new_head(self) -> int:
        return self.head + len(self.rows)


@dataclass
class Draft:
    """A change in the making: starts at what was read, and takes one event after the other."""

    before: Before
    rows: list[EventRow] = field(default_factory=list[EventRow])
    events: list[StoredEvent] = field(default_factory=list[StoredEvent])
    calls: dict[str, Call] = field(default_factory=dict[str, Call])
    closes_calls: bool = False
    seen: bool = False
    moves_due: bool = False
    due_at: float | None = None
    frees_lease: bool = False
    tokens: int = 0

    def __post_init__(self) -> None:
        row = self.before.row
        self.now = row.now
        self.decision, self.attempt, self.lost = row.decision, row.attempt, row.lost
        self.epoch, self.journal_id, self.attached = row.epoch, row.journal_id, row.attached
        self.open_calls, self.status = row.open_calls, self.before.status

    def add(self, key: str, event: AnyEvent) -> None:
        seq = self.before.row.head + len(self.rows) + 1
        if isinstance(event, ToolAsked):
            event = self._bound(event)
            self._issue(event, seq)
        self.rows.append(event_row(seq, key, event))
        self.events.append(StoredEvent(seq, key, event, self.now))
        match event:
            case UserSaid():
                if self.status not in ("running", "waiting"):
                    self.status = "pending"
                self._wake_unless_calls_are_open()
            case ToolAnswered():
                self._answer(event)
            case CallWaiting():
                if self._not_closed(event.tool_id) is not None:
                    self.status = "waiting" if event.state == "asking" else "running"
            case ExecutorAttached():
                self.epoch, self.journal_id, self.attached = event.epoch, event.journal_id, True
                self.seen = True
                self.set_due(self.now)
            case ExecutorLost():
                self.attached = False
                self.set_due(self.now)
            case Interrupted():
                self.decide()
                self.set_due(self.now)
            case _:
                self._add_decision(event)

    def _add_decision(
        self, event: Decision | SessionOpened | GenerationDropped | Rewound | Forked
    ) -> None:
        match event:
            case BootstrapAsked() | ModelReplied() | RunWoken():
                self.status = "running"
            case CallCancelled():
                self._move_call(event.tool_id, "closed" if event.closes else "cancelled")
            case RunParked():
                self.status = "waiting"
            case RunEnded():
                self.status = _STATUS_AFTER[event.outcome]
                self._close_all_calls()
            case Rewound():
                self.decide()
                self.status = "idle"
            case UsageCounted(usage=usage) | GenerationDropped(usage=usage):
                self.tokens += min(usage.input_tokens + usage.output_tokens, _MOST_TOKENS)
            case (
                SessionOpened()
                | Forked()
                | ToolAsked()
                | PlanChanged()
                | ModelFailed()
                | Compacted()
            ):
                pass
            case _:
                assert_never(event)

    def decide(self) -> None:
        """Raise `decision`: whatever generation is running is void, and the lease is free."""
        self.decision += 1
        self.attempt = self.lost = 0
        self.frees_lease = True

    def set_due(self, due_at: float | None) -> None:
        self.moves_due, self.due_at = True, due_at

    def change(self) -> Change:
        row = self.before.row
        return Change(
            session_id=row.session_id,
            head=row.head,
            decision=row.decision,
            attempt=row.attempt,
            rows=tuple(self.rows),
            new_decision=self.decision,
            new_attempt=self.attempt,
            new_lost=self.lost,
            open_calls=self.open_calls,
            epoch=self.epoch,
            journal_id=self.journal_id,
            attached=self.attached,
            status=self.status,
            at=self.now,
            seen=self.seen,
            moves_due=self.moves_due,
            due_at=self.due_at,
            frees_lease=self.frees_lease,
            closes_calls=self.closes_calls,
            calls=tuple(self.calls.values()),
            tokens=self.tokens,
            written=Loaded(self._row_after(), tuple(self.events)),
        )

    def _row_after(self) -> SessionRow:
        row = self.before.row
        return msgspec.structs.replace(
            row,
            head=row.head + len(self.rows),
            decision=self.decision,
            attempt=self.attempt,
            lost=self.lost,
            open_calls=self.open_calls,
            epoch=self.epoch,
            journal_id=self.journal_id,
            attached=self.attached,
            seen_ago=0.0 if self.seen else row.seen_ago,
            due_at=self.due_at if self.moves_due else row.due_at,
        )

    def _bound(self, asked: ToolAsked) -> ToolAsked:
        """Bound to the executor whose journal the row holds, unless the maestro answers it."""
        if asked.bound_to in (MAESTRO, self.journal_id):
            return asked
        return msgspec.structs.replace(asked, bound_to=self.journal_id)

    def _issue(self, asked: ToolAsked, seq: int) -> None:
        if asked.tool_id in self.calls or asked.tool_id in self.before.calls:
            raise ValueError(f"tool_id {asked.tool_id!r} was issued before in this session")
        ours = asked.bound_to == MAESTRO
        state = "closed" if ours else "open"
        call = Call(asked.tool_id, asked.generation_id, asked.bound_to, state, seq)
        self.calls[asked.tool_id] = call
        self.open_calls += not ours

    def _answer(self, answered: ToolAnswered) -> None:
        """An answer to a closed call is stored and moves nothing."""
        if self._move_call(answered.tool_id, "closed"):
            self.status = "running"
            self._wake_unless_calls_are_open()

    def _move_call(self, tool_id: str, state: CallState) -> bool:
        """False when the call was closed before, or is none of this session."""
        call = self._not_closed(tool_id)
        if call is None:
            return False
        self.calls[tool_id] = msgspec.structs.replace(call, state=state)
        self.open_calls -= state == "closed"
        return True

    def _not_closed(self, tool_id: str) -> Call | None:
        call = self.calls.get(tool_id) or self.before.calls.get(tool_id)
        return None if call is None or call.state == "closed" else call

    def _close_all_calls(self) -> None:
        self.closes_calls = True
        self.open_calls = 0
        for tool_id, call in self.calls.items():
            self.calls[tool_id] = msgspec.structs.replace(call, state="closed")

    def _wake_unless_calls_are_open(self) -> None:
        if self.open_calls == 0:
            self.set_due(self.now)
