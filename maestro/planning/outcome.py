"""Turn a decision, or a model's failure, into the events of one append.

A reply's events are in `reply`. Writes nothing.
"""

from datetime import UTC, datetime
from typing import assert_never

from maestro.domain.decision import MAX_SUMMARY, AskBootstrap, CancelCalls, End, Park, Wake
from maestro.domain.events import (
    AnyEvent,
    BootstrapAsked,
    CallCancelled,
    ModelFailed,
    RunEnded,
    RunParked,
    RunWoken,
    ToolAsked,
)
from maestro.domain.transcript import Transcript
from maestro.domain.wording import capped
from maestro.errors import ModelError
from maestro.ports import SessionRow
from protocol.from_maestro import EndReason
from protocol.version import BOOTSTRAP_GENERATION
from protocol.wire import Usage


def decision_events(
    decided: Wake | Park | CancelCalls | End | AskBootstrap,
    transcript: Transcript,
    row: SessionRow,
) -> tuple[AnyEvent, ...]:
    """`transcript` is folded up to the row's head."""
    basis = row.head
    match decided:
        case Wake():
            return (RunWoken(basis),)
        case Park(reason, wake_at):
            return (RunParked(basis, reason, wake_at),)
        case CancelCalls(tool_ids):
            return tuple(
                CallCancelled(tool_id, basis, closes=_is_bootstrap(transcript, tool_id))
                for tool_id in tool_ids
            )
        case End():
            return (_ended(transcript, decided),)
        case AskBootstrap(calls):
            prefix = f"{BOOTSTRAP_GENERATION}-{transcript.runs:06d}-{row.decision:08d}"
            asked = (
                ToolAsked(f"{prefix}.{index}", BOOTSTRAP_GENERATION, name, parameters)
                for index, (name, parameters) in enumerate(calls, start=1)
            )
            return (BootstrapAsked(basis), *asked)
        case _:
            assert_never(decided)


def failure_events(
    error: ModelError, transcript: Transcript, generation_id: str, basis: int
) -> tuple[AnyEvent, ...]:
    """A limit that names its end parks the run, anything else ends it in the provider's words."""
    if error.kind == "rate_limited" and error.wake_at is not None:
        return (RunParked(basis, "rate_limited", error.wake_at),)
    message = capped(error.message, MAX_SUMMARY)
    return (
        ModelFailed(generation_id, error.kind, message),
        error_end(transcript, "model_error", message, basis),
    )


def parked_until_tomorrow(basis: int, wake_at: float) -> RunParked:
    """The person's tokens of the day are spent; `wake_at` (Unix seconds) brings new ones."""
    when = datetime.fromtimestamp(wake_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    why = f"your tokens of this day are used up: the run goes on at {when}"
    return RunParked(basis, "rate_limited", wake_at, why)


def error_end(transcript: Transcript, reason: EndReason, summary: str, basis: int) -> RunEnded:
    return _ended(transcript, End("error", reason, summary, basis))


def _ended(transcript: Transcript, end: End) -> RunEnded:
    usage = transcript.run.usage if transcript.run else Usage()
    return RunEnded(end.basis, transcript.runs, end.outcome, end.reason, end.summary, usage)


def _is_bootstrap(transcript: Transcript, tool_id: str) -> bool:
    call = transcript.open.get(tool_id)
    return call is not None and call.asked.generation_id == BOOTSTRAP_GENERATION
