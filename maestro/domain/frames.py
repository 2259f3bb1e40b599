"""The projection: which frame one ledger row is, for an executor and for a watcher.

Depends on the stored row alone, so that every process sends the same. Sends nothing.
"""

from datetime import UTC, datetime
from typing import Literal, assert_never

from maestro.domain.events import (
    MAESTRO,
    AnyEvent,
    BootstrapAsked,
    CallCancelled,
    CallWaiting,
    Compacted,
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
from maestro.domain.wording import progress_of
from protocol.from_executor import ToolProgress, ToolResult, UserMessage
from protocol.from_maestro import (
    AgentMessage,
    CancelTool,
    FromMaestro,
    Outcome,
    PlanUpdated,
    RunFinished,
    RunStatus,
    RunTool,
    SessionEvent,
    StatusChanged,
)
from protocol.from_maestro import UsageCounted as UsageReported
from protocol.wire import Frame

Audience = Literal["executor", "watcher"]

_ASKING = "a human is being asked"
_ENDED: dict[Outcome, RunStatus] = {
    "success": "completed",
    "error": "error",
    "interrupted": "idle",
}


def frame(stored: StoredEvent, audience: Audience) -> Frame[FromMaestro] | None:
    """The one durable frame of this row, or None for an executor whose business it is not.

    A watcher gets exactly one for every row: `session_event` where there is nothing better.
    """
    message = _message(stored.event)
    if audience == "executor" and not _concerns_executor(stored.event, message):
        return None
    return Frame(
        message,
        id=stored.event.message_id if isinstance(stored.event, UserSaid) else None,
        seq=stored.seq,
        timestamp=datetime.fromtimestamp(stored.at, UTC).isoformat(timespec="milliseconds"),
    )


def _concerns_executor(event: AnyEvent, message: FromMaestro) -> bool:
    match message:
        case SessionEvent() | ToolResult() | ToolProgress():
            return False
        case UserMessage():
            return isinstance(event, UserSaid) and event.via == "rest"
        case _:
            return True


def _message(event: AnyEvent) -> FromMaestro:
    match event:
        case ModelReplied(text=text) if text:
            return AgentMessage(generation_id=event.generation_id, content=text)
        case ToolAsked(bound_to=bound_to) if bound_to != MAESTRO:
            return RunTool(
                tool_name=event.tool_name,
                tool_id=event.tool_id,
                generation_id=event.generation_id,
                parameters=event.parameters,
            )
        case CallCancelled():
            return CancelTool(event.tool_id)
        case CallWaiting():
            return ToolProgress(event.tool_id, event.state)
        case ToolAnswered():
            return ToolResult(
                tool_id=event.tool_id,
                status=event.status,
                result=event.result,
                generation_id=event.generation_id,
                error=event.error,
                content=event.content,
                metadata=event.metadata,
            )
        case UserSaid():
            return UserMessage(event.content, event.attachments, event.run)
        case PlanChanged():
            return PlanUpdated(event.steps)
        case UsageCounted(usage=usage):
            return UsageReported(
                generation_id=event.generation_id,
                input_tokens=usage.input_tokens,
                cached_tokens=usage.cached_tokens,
                output_tokens=usage.output_tokens,
                reasoning_tokens=usage.reasoning_tokens,
                cost_usd=usage.cost_usd,
            )
        case RunEnded():
            return RunFinished(event.outcome, event.reason, event.summary, event.usage)
        case _:
            return SessionEvent(str(event.__struct_config__.tag), _detail(event))


def _detail(event: AnyEvent) -> str:
    match event:
        case SessionOpened():
            return event.client_type
        case ExecutorAttached() | ExecutorLost():
            return f"epoch {event.epoch}"
        case ModelReplied() | GenerationDropped():
            return event.generation_id
        case ToolAsked():
            return event.tool_name
        case ModelFailed():
            return f"{event.code}: {event.message}"
        case Interrupted() | RunParked():
            return event.reason
        case Rewound():
            return f"to {event.to_seq}"
        case Forked():
            return event.session_id
        case _:
            return ""


def status_after(before: StatusChanged, stored: StoredEvent) -> StatusChanged:
    """What to show once this row is there; `before` itself when it changes nothing.

    Start with `StatusChanged("idle")`. Not durable: whoever starts in the middle of a run shows
    the right status from the next row on.
    """
    match stored.event:
        case UserSaid() if before.status in ("idle", "completed", "error"):
            return StatusChanged("pending")
        case BootstrapAsked():
            return StatusChanged("running", step="gathering context")
        case ModelReplied() | RunWoken():
            return StatusChanged("running", before.progress)
        case ToolAsked(tool_name=name):
            return StatusChanged("running", before.progress, name)
        case CallWaiting(state="asking"):
            return StatusChanged("waiting", before.progress, _ASKING)
        case CallWaiting(state="started") | ToolAnswered() if before.step == _ASKING:
            return StatusChanged("running", before.progress)
        case PlanChanged(steps=steps):
            return StatusChanged(before.status, progress_of(steps), before.step)
        case RunParked(reason=reason, why=why):
            return StatusChanged("waiting", before.progress, why or reason)
        case RunEnded(outcome=outcome):
            progress = 100 if outcome == "success" else before.progress
            return StatusChanged(_ENDED[outcome], progress)
        case Rewound():
            return StatusChanged("idle")
        case (
            UserSaid()
            | CallWaiting()
            | ToolAnswered()
            | SessionOpened()
            | Forked()
            | ExecutorAttached()
            | ExecutorLost()
            | GenerationDropped()
            | Interrupted()
            | UsageCounted()
            | ModelFailed()
            | CallCancelled()
            | Compacted()
        ):
            return before
        case _:
            assert_never(stored.event)
