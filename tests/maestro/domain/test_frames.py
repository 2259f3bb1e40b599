"""The projection of every kind of row, for both audiences."""

import typing

import msgspec
import pytest

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
    Fact,
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
from maestro.domain.frames import frame, status_after
from protocol.from_executor import ResultMetadata, ToolProgress, ToolResult, UserMessage
from protocol.from_maestro import (
    AgentMessage,
    CancelTool,
    FromMaestro,
    PlanUpdated,
    RunFinished,
    RunTool,
    SessionEvent,
    StatusChanged,
)
from protocol.from_maestro import UsageCounted as UsageReported
from protocol.wire import Frame, PlanStep, Usage

STEPS = (PlanStep("one", "done"), PlanStep("two", "active"), PlanStep("three"))

# Each row, the message of its frame, and whether an executor gets it.
ROWS: tuple[tuple[AnyEvent, FromMaestro, bool], ...] = (
    (SessionOpened("cli"), SessionEvent("session_opened", "cli"), False),
    (ExecutorAttached(2, "j"), SessionEvent("executor_attached", "epoch 2"), False),
    (ExecutorLost(2), SessionEvent("executor_lost", "epoch 2"), False),
    (UserSaid("m", "hi"), UserMessage("hi"), False),
    (UserSaid("m", "hi", via="rest"), UserMessage("hi"), True),
    (CallWaiting("t", "asking"), ToolProgress("t", "asking"), False),
    (
        ToolAnswered("t", "g", "denied", "no", metadata=ResultMetadata(exit_code=1)),
        ToolResult("t", "denied", "no", "g", metadata=ResultMetadata(exit_code=1)),
        False,
    ),
    (GenerationDropped("g", Usage()), SessionEvent("generation_dropped", "g"), False),
    (Interrupted("enough"), SessionEvent("interrupted", "enough"), False),
    (Rewound(7), SessionEvent("rewound", "to 7"), False),
    (Forked("s"), SessionEvent("forked", "s"), False),
    (BootstrapAsked(3), SessionEvent("bootstrap_asked"), False),
    (ModelReplied("g", 3, "text"), AgentMessage("g", "text"), True),
    (ModelReplied("g", 3, ""), SessionEvent("model_replied", "g"), False),
    (ToolAsked("t", "g", "Shell", {"a": 1}), RunTool("Shell", "t", "g", {"a": 1}), True),
    (
        ToolAsked("t", "g", "UpdatePlan", {}, bound_to=MAESTRO),
        SessionEvent("tool_asked", "UpdatePlan"),
        False,
    ),
    (
        UsageCounted("g", Usage(1, 2, 3, 4, 0.5)),
        UsageReported("g", 1, 2, 3, 4, 0.5),
        True,
    ),
    (PlanChanged(STEPS), PlanUpdated(STEPS), True),
    (ModelFailed("g", "auth", "no key"), SessionEvent("model_failed", "auth: no key"), False),
    (CallCancelled("t", 3), CancelTool("t"), True),
    (Compacted(3, "before"), SessionEvent("compacted"), False),
    (RunParked(3, "rate_limited"), SessionEvent("run_parked", "rate_limited"), False),
    (RunWoken(3), SessionEvent("run_woken"), False),
    (
        RunEnded(3, 1, "success", "completed", "done", Usage(1)),
        RunFinished("success", "completed", "done", Usage(1)),
        True,
    ),
)


def test_every_kind_of_event_is_in_the_table() -> None:
    known = {*typing.get_args(Fact), *typing.get_args(Decision)}

    assert {type(event) for event, _, _ in ROWS} == known


@pytest.mark.parametrize(("event", "message", "for_executor"), ROWS)
def test_a_row_is_one_frame_with_its_seq(
    event: AnyEvent, message: FromMaestro, for_executor: bool
) -> None:
    stored = StoredEvent(7, "key", event, 1_700_000_000.25)
    expected = Frame(
        message,
        id="m" if isinstance(event, UserSaid) else None,
        seq=7,
        timestamp="2023-11-14T22:13:20.250+00:00",
    )

    assert frame(stored, "watcher") == expected
    assert frame(stored, "executor") == (expected if for_executor else None)


@pytest.mark.parametrize(
    ("before", "event", "after"),
    [
        (StatusChanged("idle"), UserSaid("m", "hi"), StatusChanged("pending")),
        (StatusChanged("completed", 100), UserSaid("m", "hi"), StatusChanged("pending")),
        (StatusChanged("running", 5, "x"), UserSaid("m", "hi"), StatusChanged("running", 5, "x")),
        (
            StatusChanged("pending"),
            BootstrapAsked(3),
            StatusChanged("running", 0, "gathering context"),
        ),
        (
            StatusChanged("running", 33),
            ToolAsked("t", "g", "Shell", {}),
            StatusChanged("running", 33, "Shell"),
        ),
        (
            StatusChanged("running", 33, "Shell"),
            CallWaiting("t", "asking"),
            StatusChanged("waiting", 33, "a human is being asked"),
        ),
        (
            StatusChanged("waiting", 33, "a human is being asked"),
            ToolAnswered("t", "g", "denied", "no"),
            StatusChanged("running", 33),
        ),
        (
            StatusChanged("waiting", 33, "executor_away"),
            ToolAnswered("t", "g", "success", "late"),
            StatusChanged("waiting", 33, "executor_away"),
        ),
        (StatusChanged("running", 0, "x"), PlanChanged(STEPS), StatusChanged("running", 33, "x")),
        (
            StatusChanged("running", 33),
            RunParked(3, "executor_away"),
            StatusChanged("waiting", 33, "executor_away"),
        ),
        (StatusChanged("waiting", 33, "poison"), RunWoken(3), StatusChanged("running", 33)),
        (
            StatusChanged("running", 33),
            RunEnded(3, 1, "success", "completed"),
            StatusChanged("completed", 100),
        ),
        (
            StatusChanged("running", 33),
            RunEnded(3, 1, "error", "model_error"),
            StatusChanged("error", 33),
        ),
        (
            StatusChanged("running", 33),
            RunEnded(3, 1, "interrupted", "interrupted"),
            StatusChanged("idle", 33),
        ),
    ],
)
def test_a_row_leads_to_a_status(
    before: StatusChanged, event: AnyEvent, after: StatusChanged
) -> None:
    assert status_after(before, StoredEvent(1, "key", event, 0.0)) == after


@pytest.mark.parametrize("event", [event for event, _, _ in ROWS])
def test_the_wire_takes_every_status(event: AnyEvent) -> None:
    status = status_after(StatusChanged("running", 50), StoredEvent(1, "key", event, 0.0))

    assert msgspec.convert(msgspec.to_builtins(status), StatusChanged) == status
