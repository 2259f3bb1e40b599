"""What a session is: the fold of its ledger, one event at a time.

Pure and incremental: folding the rest of the events gives what folding all of them gives. Decides
nothing; decisions and facts come in the ledger's order, and facts above a decision's basis are
folded as if they had come after it.
"""

from typing import assert_never

import msgspec

from maestro.domain import events as ev
from maestro.domain.conversation import UserTurn
from maestro.domain.dialogue import Call, Dialogue, Trace
from maestro.domain.run import PARKED, Run
from maestro.domain.wording import MAX_ATTACHMENTS, message_text, progress_of
from maestro.errors import NewerEvent
from protocol.from_executor import RunLimits, RunWishes
from protocol.version import BOOTSTRAP_GENERATION
from protocol.wire import Content, ImageContent, PlanStep

_ROW_WEIGHT = 600
"""Bytes that a row takes beside its texts, roughly."""


class Transcript:
    """The state of one session. `fold` changes it in place, in O(1) of its history."""

    def __init__(self) -> None:
        self.seq = 0
        """Of the last event that was folded."""
        self.weight = 0
        """Bytes that this takes in memory, roughly."""
        self.opened: ev.SessionOpened | None = None
        self.attached: ev.ExecutorAttached | None = None
        """The last executor and its tools, whether it is still there or not."""
        self.wishes = RunWishes()
        self.plan: tuple[PlanStep, ...] = ()
        self.dialogue = Dialogue()
        self.bootstrap: tuple[Call, ...] | None = None
        """The calls that gathered context; None before they are asked for."""
        self.bootstrap_at = 0.0
        self.generated = False
        """A model has replied in this session."""
        self.runs = 0
        self.run: Run | None = None
        self.parked: ev.RunParked | None = None
        self.interrupted: int | None = None
        """The seq of the last interrupt of the open run."""
        self.open: dict[str, Call] = {}
        """Calls that wait for an answer, in the order in which they were asked, by tool_id."""

    def fold_all(self, stored: tuple[ev.StoredEvent, ...]) -> None:
        for event in stored:
            self.fold(event)

    def fold(self, stored: ev.StoredEvent) -> None:
        """Take in the next event. Raises NewerEvent for one that this version can't fold."""
        seq, at, event = stored.seq, stored.at, stored.event
        match event:
            case ev.SessionOpened():
                self.opened = event
            case ev.ExecutorAttached():
                self.attached = event
            case ev.UserSaid():
                self._hear(seq, at, event)
            case ev.BootstrapAsked():
                self.bootstrap, self.bootstrap_at = (), at
            case ev.ModelReplied():
                self._reply(event)
            case ev.ToolAsked():
                self._ask(event)
            case ev.CallWaiting(tool_id=tool_id) if self.run and tool_id in self.open:
                change = self.run.clock.stop if event.state == "asking" else self.run.clock.go_on
                change(tool_id, at)
            case ev.ToolAnswered():
                self._answer(event, at)
            case ev.CallCancelled():
                self._cancel(event, at)
            case ev.ExecutorLost() if self.run and self._is_current(event.epoch):
                self.run.clock.stop_asking(at)
            case ev.UsageCounted(usage=usage) | ev.GenerationDropped(usage=usage) if self.run:
                self.run.spend(usage)
            case ev.PlanChanged():
                self.plan = event.steps
            case ev.Interrupted() if self.run:
                self.interrupted = seq
            case ev.RunParked() if self.run:
                self.parked = event
                self.run.clock.stop(PARKED, at)
            case ev.RunWoken() if self.run:
                self.parked = None
                self.run.clock.go_on(PARKED, at)
            case ev.RunEnded():
                self._end(seq, event, at)
            case ev.Rewound() if self.run is None:
                self._rewind(event.to_seq)
            case ev.Compacted():
                raise NewerEvent(f"event {seq} is a compaction, which this version cannot read")
            case (
                ev.CallWaiting()
                | ev.ExecutorLost()
                | ev.UsageCounted()
                | ev.GenerationDropped()
                | ev.Interrupted()
                | ev.RunParked()
                | ev.RunWoken()
                | ev.ModelFailed()
                | ev.Rewound()
                | ev.Forked()
            ):
                pass  # too late to change anything, or told to watchers only
            case _:
                assert_never(event)
        self.seq = seq
        self.weight += _ROW_WEIGHT + _text_size(event)

    def traces(self) -> tuple[Trace, ...]:
        """What the run's last exchanges looked like, the present one at the end."""
        if self.run is None:
            return ()
        exchange = self.dialogue.exchange
        return (*self.run.traces, *(() if exchange is None else (exchange.trace(),)))

    def progress(self) -> int:
        """How far the plan has come, 0 to 100."""
        return progress_of(self.plan)

    def _is_current(self, epoch: int) -> bool:
        return self.attached is not None and self.attached.epoch == epoch

    def _open_run(self, at: float) -> None:
        self.runs += 1
        self.run = Run(self.runs, at)

    def _hear(self, seq: int, at: float, said: ev.UserSaid) -> None:
        text = message_text(said, self.wishes.mode)
        self.dialogue.heard(seq, UserTurn(text, said.attachments[:MAX_ATTACHMENTS]))
        self.wishes = merged(self.wishes, said.run)
        if self.run is None:
            self._open_run(at)

    def _reply(self, reply: ev.ModelReplied) -> None:
        self.generated = True
        if self.run is not None:
            self.run.steps += 1
            if self.dialogue.exchange is not None:
                self.run.traces.append(self.dialogue.exchange.trace())
        self.dialogue.replied(reply)

    def _ask(self, asked: ev.ToolAsked) -> None:
        call = Call(asked)
        if asked.generation_id == BOOTSTRAP_GENERATION:
            self.bootstrap = (*(self.bootstrap or ()), call)
        elif self.dialogue.exchange is not None:
            self.dialogue.exchange.ask(call)
        self.open[asked.tool_id] = call

    def _answer(self, answered: ev.ToolAnswered, at: float) -> None:
        call = self.open.get(answered.tool_id)
        if call is not None:  # else it is closed, and what comes late is never fed
            call.answer = answered
            self._close(call, at)

    def _cancel(self, cancelled: ev.CallCancelled, at: float) -> None:
        call = self.open.get(cancelled.tool_id)
        if call is not None:
            call.cancelled_at = at
            if cancelled.closes:
                self._close(call, at)

    def _close(self, call: Call, at: float) -> None:
        del self.open[call.asked.tool_id]
        if self.run is not None:
            self.run.clock.go_on(call.asked.tool_id, at)

    def _rewind(self, to_seq: int) -> None:
        self.dialogue.rewind(to_seq)
        self.plan = ()

    def _end(self, seq: int, ended: ev.RunEnded, at: float) -> None:
        for call in list(self.open.values()):
            self._close(call, at)
        self.dialogue.settle(ended.basis)
        self.dialogue.mark(seq)
        self.run = self.parked = self.interrupted = None
        if self.dialogue.has_unread():
            self._open_run(at)


def merged(before: RunWishes, said: RunWishes) -> RunWishes:
    """`before` with what `said` wishes anew; of the limits each one by itself."""
    return msgspec.structs.replace(
        before,
        **{
            name: _merged_limits(before.limits, value) if isinstance(value, RunLimits) else value
            for name, value in msgspec.structs.asdict(said).items()
            if value is not None
        },
    )


def _merged_limits(before: RunLimits | None, said: RunLimits) -> RunLimits:
    wished = {k: v for k, v in msgspec.structs.asdict(said).items() if v is not None}
    return msgspec.structs.replace(before or RunLimits(), **wished)


def _text_size(event: ev.AnyEvent) -> int:
    match event:
        case ev.UserSaid():
            return len(event.content) + _content_size(event.attachments)
        case ev.ToolAnswered():
            return len(event.result) + _content_size(event.content)
        case ev.ModelReplied():
            return len(event.text) + len(event.reasoning)
        case ev.ToolAsked():
            return 2 * len(msgspec.json.encode(event.parameters))
        case ev.SessionOpened():
            return len(event.project_spec.content)
        case _:
            return 0


def _content_size(content: tuple[Content, ...]) -> int:
    return sum(
        len(part.data) if isinstance(part, ImageContent) else len(part.text) for part in content
    )
