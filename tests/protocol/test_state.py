"""The transition table says what it says at its top, and the documentation shows it."""

from itertools import product
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.from_executor import ExecutorError, FromExecutor, Handshake, ToolResult
from protocol.from_maestro import (
    ErrorReported,
    FromMaestro,
    RunTool,
    SessionEvent,
    SessionStarted,
    ToolOutputDelta,
    ToolProgress,
)
from protocol.state import Phase, Role, allowed, diagram, following

_MESSAGES: dict[Role, tuple[Any, ...]] = {
    "executor": get_args(FromExecutor),
    "maestro": get_args(FromMaestro),
}
_STEPS: list[tuple[Role, Any]] = [
    (sender, message) for sender in _MESSAGES for message in _MESSAGES[sender]
]


def may_send(phase: Phase, sender: Role) -> set[Any]:
    return {message for message in _MESSAGES[sender] if following(phase, sender, message)}


def test_before_the_handshake_only_it_and_the_maestros_errors_are_sent() -> None:
    assert may_send(Phase.OPENING, "executor") == {Handshake}
    assert may_send(Phase.OPENING, "maestro") == {ErrorReported}


def test_the_executor_waits_for_the_answer_to_its_handshake() -> None:
    assert may_send(Phase.ATTACHING, "executor") == {ExecutorError}
    assert may_send(Phase.ATTACHING, "maestro") == {SessionStarted, ErrorReported}


def test_an_attached_executor_says_all_but_a_second_handshake() -> None:
    assert may_send(Phase.ATTACHED, "executor") == set(_MESSAGES["executor"]) - {Handshake}


def test_an_attached_executor_hears_all_but_a_second_start_and_what_is_for_watchers() -> None:
    for_watchers = {SessionEvent, ToolResult, ToolProgress, ToolOutputDelta}

    assert may_send(Phase.ATTACHED, "maestro") == (
        set(_MESSAGES["maestro"]) - {SessionStarted} - for_watchers
    )


@pytest.mark.parametrize("sender", ["executor", "maestro"])
def test_nothing_is_sent_on_a_closed_connection(sender: Role) -> None:
    assert may_send(Phase.CLOSED, sender) == set()
    assert allowed(Phase.CLOSED, sender) == ()


def test_what_may_follow_is_told_by_its_wire_name() -> None:
    assert allowed(Phase.ATTACHING, "maestro") == ("session_started", "error")


@given(st.lists(st.sampled_from(_STEPS), max_size=30))
def test_no_order_of_frames_runs_a_tool_before_the_session_started(steps: list[Any]) -> None:
    phase, sent = Phase.OPENING, list[Any]()
    for sender, message in steps:
        then = following(phase, sender, message)
        if then is not None:
            phase = then
            sent.append(message)

    if RunTool in sent or ToolResult in sent:
        assert sent.index(Handshake) < sent.index(SessionStarted)
        assert sent.index(SessionStarted) < min(
            sent.index(message) for message in (RunTool, ToolResult) if message in sent
        )
    assert sent.count(Handshake) <= 1
    assert sent.count(SessionStarted) <= 1


def test_no_phase_is_a_dead_end_before_closed() -> None:
    reachable = {Phase.OPENING}
    for _ in Phase:
        reachable |= {
            then
            for phase, (sender, message) in product(reachable, _STEPS)
            if (then := following(phase, sender, message)) is not None
        }

    assert reachable == set(Phase) - {Phase.CLOSED}


def test_the_documentation_holds_the_diagram_of_the_table() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "protocol.md"

    assert f"```mermaid\n{diagram()}```" in page.read_text(encoding="utf-8")
