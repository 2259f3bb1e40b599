"""Both sides of a connection, without a socket: order, limits, blame, and what comes twice."""

import json
from typing import Any

import pytest

from protocol.codec import FrameTooLarge, Ignored, encode
from protocol.connection import Connection, Violation
from protocol.errors import CloseCode, ErrorCode, LocalProtocolError
from protocol.from_executor import (
    ExecutorError,
    FromExecutor,
    Handshake,
    Interrupt,
    ResultMetadata,
    Resume,
    ToolResult,
    UserMessage,
)
from protocol.from_maestro import (
    AgentMessage,
    AgentMessageDelta,
    AgentReasoningDelta,
    CancelTool,
    ErrorReported,
    FromMaestro,
    RunFinished,
    RunTool,
    SessionEvent,
    SessionStarted,
    StatusChanged,
    UsageCounted,
)
from protocol.state import Phase
from protocol.version import (
    MAX_FRAME_TO_EXECUTOR,
    MAX_FRAME_TO_MAESTRO,
    MAX_RESULT_BYTES,
    MAX_VIOLATIONS,
    MIN_FRAME_BYTES,
)
from protocol.wire import Frame, FrameLimits, FrameMetadata
from tests.requirements import covers

Maestro = Connection[FromExecutor, FromMaestro]
Executor = Connection[FromMaestro, FromExecutor]

_HANDSHAKE = Handshake("cli", "do it", ("Shell",))
_STARTED = SessionStarted("s", "r", epoch=1)
_BAD_TOOLS = json.dumps(
    {
        "type": "handshake",
        "payload": {"client_type": "c", "initial_prompt": "p", "known_tools": ["Shell", 1]},
    }
)
_CALL = RunTool("Shell", "c", "r1-1", {"command": "ls"})


def attached(
    handshake: Handshake = _HANDSHAKE, started: SessionStarted = _STARTED
) -> tuple[Maestro, Executor]:
    """Two ends that have greeted each other."""
    maestro, executor = Connection("maestro"), Connection("executor")
    assert maestro.receive(executor.send(handshake)) == (Frame(handshake),)
    assert executor.receive(maestro.send(started)) == (Frame(started),)
    return maestro, executor


def violation(received: tuple[Any, ...]) -> tuple[ErrorCode, CloseCode | None, Any]:
    """Code, close code and answer of the one violation that was received."""
    (refused,) = received
    assert isinstance(refused, Violation)
    answer = None if refused.answer is None else json.loads(refused.answer)
    return refused.error.code, refused.error.close_code, answer


def test_a_handshake_is_answered_and_the_loop_goes_both_ways() -> None:
    maestro, executor = attached()

    assert executor.receive(maestro.send(_CALL, seq=5)) == (Frame(_CALL, seq=5),)
    result = ToolResult("c", "success", "ok", "r1-1")
    assert maestro.receive(executor.send(result, id="x")) == (Frame(result, id="x"),)
    assert (maestro.phase, executor.phase) == (Phase.ATTACHED, Phase.ATTACHED)
    assert executor.last_seq == 5


def test_a_frame_is_sent_with_its_envelope() -> None:
    maestro, executor = attached()
    frame = Frame(_CALL, "i", 7, "2026-11-21T09:30:00Z", FrameMetadata(client="maestro"))

    assert executor.receive(maestro.send_frame(frame)) == (frame,)


# Order


@pytest.mark.parametrize("message", [Interrupt(), UserMessage("hi"), ExecutorError("bad_frame")])
def test_nothing_but_the_handshake_opens_a_connection(message: Any) -> None:
    maestro = Connection("maestro")

    code, close, answer = violation(maestro.receive(encode(Frame(message, id="i"))))

    assert (code, close) == (ErrorCode.BAD_STATE, CloseCode.BAD_STATE)
    assert answer["payload"]["id"] == "i"
    assert "expected: handshake" in answer["payload"]["message"]
    assert maestro.phase is Phase.CLOSED


def test_an_unknown_type_does_not_open_a_connection_either() -> None:
    received = Connection("maestro").receive('{"type":"telepathy","payload":{}}')

    assert violation(received)[:2] == (ErrorCode.BAD_STATE, CloseCode.BAD_STATE)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("hello", None),
        ("[]", None),
        ('{"type":"handshake","payload":{}}', "payload.client_type"),
        (_BAD_TOOLS, "payload.known_tools[1]"),
    ],
)
def test_a_bad_handshake_is_answered_and_closes(text: str, field: str | None) -> None:
    code, close, answer = violation(Connection("maestro").receive(text))

    assert (code, close) == (ErrorCode.BAD_HANDSHAKE, CloseCode.BAD_HANDSHAKE)
    assert answer["type"] == "error"
    assert answer["payload"]["code"] == "bad_handshake"
    assert answer["payload"].get("field") == field


@covers("R-WIRE-19")
def test_a_handshake_of_another_version_is_refused_by_that_name() -> None:
    maestro = Connection("maestro")
    handshake = Handshake("cli", "p", (), protocol_version=2)

    code, close, answer = violation(maestro.receive(encode(Frame(handshake))))

    assert (code, close) == (ErrorCode.VERSION, CloseCode.VERSION)
    assert answer["payload"]["field"] == "payload.protocol_version"


def test_a_second_handshake_is_refused_and_the_connection_lives_on() -> None:
    maestro, executor = attached()

    assert violation(maestro.receive(encode(Frame(_HANDSHAKE))))[:2] == (ErrorCode.BAD_STATE, None)
    assert executor.receive(maestro.send(_CALL, seq=1)) == (Frame(_CALL, seq=1),)


def test_a_call_before_the_session_started_is_refused_and_closes() -> None:
    executor = Connection("executor")
    executor.send(_HANDSHAKE)

    code, close, answer = violation(executor.receive(encode(Frame(_CALL, seq=1))))

    assert (code, close) == (ErrorCode.BAD_STATE, CloseCode.BAD_STATE)
    assert answer["type"] == "error"
    assert executor.phase is Phase.CLOSED


def test_an_executor_that_has_not_spoken_does_not_complain_either() -> None:
    assert violation(Connection("executor").receive(encode(Frame(_CALL))))[2] is None


def test_a_refused_handshake_is_told_by_an_error() -> None:
    maestro, executor = Connection("maestro"), Connection("executor")
    maestro.receive(executor.send(_HANDSHAKE))
    error = ErrorReported(ErrorCode.ALREADY_ATTACHED, "another executor is attached")

    assert executor.receive(maestro.send(error)) == (Frame(error),)


def test_what_this_side_may_not_send_is_our_own_bug() -> None:
    with pytest.raises(LocalProtocolError, match="run_tool from the maestro while opening"):
        Connection("maestro").send(_CALL)
    maestro, executor = attached()
    with pytest.raises(LocalProtocolError, match="handshake"):
        executor.send(_HANDSHAKE)
    with pytest.raises(LocalProtocolError, match="session_event"):
        maestro.send(SessionEvent("run_parked"))


def test_a_closed_connection_neither_sends_nor_reads() -> None:
    maestro, _ = attached()
    maestro.close()

    assert maestro.receive(encode(Frame(Interrupt()))) == ()
    assert maestro.receive_binary() == ()
    with pytest.raises(LocalProtocolError, match="expected: nothing"):
        maestro.send(_CALL)


# Malformed frames


def test_a_malformed_frame_is_answered_and_the_connection_lives_on() -> None:
    maestro, executor = attached()
    text = '{"type":"tool_result","id":"i","payload":{"tool_id":"c","status":"fine"}}'

    assert violation(maestro.receive(text)) == (
        ErrorCode.BAD_FRAME,
        None,
        {
            "type": "error",
            "payload": {
                "code": "bad_frame",
                "message": "payload.status: invalid enum value 'fine'",
                "field": "payload.status",
                "tool_id": "c",
                "id": "i",
            },
        },
    )
    assert maestro.receive(executor.send(Interrupt())) == (Frame(Interrupt()),)


def test_an_executor_answers_a_malformed_frame_with_an_error_too() -> None:
    maestro, executor = attached()

    (refused,) = executor.receive('{"type":"run_tool","payload":{"tool_name":"Shell"}}')

    assert isinstance(refused, Violation)
    assert maestro.receive(refused.answer or b"") == (
        Frame(ExecutorError("bad_frame", "payload.tool_id: missing", "payload.tool_id")),
    )


def test_a_peer_that_sends_nothing_but_nonsense_is_closed() -> None:
    maestro, _ = attached()

    outcomes = [violation(maestro.receive("?"))[:2] for _ in range(MAX_VIOLATIONS + 1)]

    assert outcomes[:-1] == [(ErrorCode.BAD_FRAME, None)] * MAX_VIOLATIONS
    assert outcomes[-1] == (ErrorCode.RATE_LIMITED, CloseCode.TOO_MANY)
    assert maestro.phase is Phase.CLOSED


def test_unknown_types_are_counted() -> None:
    maestro, executor = attached()
    text = '{"type":"telepathy","payload":{}}'

    assert (maestro.receive(text), executor.receive(text)) == (
        (Ignored("telepathy"),),
        (Ignored("telepathy"),),
    )
    assert (maestro.ignored, executor.ignored) == (1, 1)
    assert (maestro.violations, executor.violations) == (0, 0)


def test_a_binary_frame_closes() -> None:
    maestro, _ = attached()

    assert violation(maestro.receive_binary())[:2] == (ErrorCode.BAD_FRAME, CloseCode.BINARY)
    assert maestro.phase is Phase.CLOSED


# Limits


def test_the_limits_hold_that_nobody_has_stated() -> None:
    maestro, executor = attached()

    assert (maestro.max_incoming_bytes, maestro.max_outgoing_bytes) == (
        MAX_FRAME_TO_MAESTRO,
        MAX_FRAME_TO_EXECUTOR,
    )
    assert (executor.max_incoming_bytes, executor.max_outgoing_bytes) == (
        MAX_FRAME_TO_EXECUTOR,
        MAX_FRAME_TO_MAESTRO,
    )
    assert executor.max_result_bytes == MAX_RESULT_BYTES


def test_each_side_learns_the_others_limits() -> None:
    maestro, executor = attached(
        Handshake("cli", "p", (), limits=FrameLimits(100_000)),
        SessionStarted("s", "r", limits=FrameLimits(200_000, 50_000)),
    )

    assert (maestro.max_outgoing_bytes, executor.max_incoming_bytes) == (100_000, 100_000)
    assert (executor.max_outgoing_bytes, maestro.max_incoming_bytes) == (200_000, 200_000)
    assert (executor.max_result_bytes, maestro.max_result_bytes) == (50_000, 50_000)


@pytest.mark.parametrize("role", ["maestro", "executor"])
def test_a_limit_too_small_to_talk_is_refused(role: str) -> None:
    limits = FrameLimits(MIN_FRAME_BYTES - 1)
    maestro, executor = Connection("maestro"), Connection("executor")
    greeting = executor.send(Handshake("cli", "p", (), limits=limits))
    received: tuple[Any, ...] = maestro.receive(greeting)
    if role == "executor":
        received = executor.receive(encode(Frame(SessionStarted("s", "r", limits=limits))))

    code, close, _ = violation(received)

    assert (code, close) == (ErrorCode.BAD_HANDSHAKE, CloseCode.BAD_HANDSHAKE)


@covers("R-WIRE-18")
def test_a_frame_above_the_limit_closes() -> None:
    maestro, _ = attached()

    assert violation(maestro.receive("x" * (MAX_FRAME_TO_MAESTRO + 1)))[:2] == (
        ErrorCode.TOO_LARGE,
        CloseCode.TOO_LARGE,
    )


@covers("R-WIRE-18")
def test_a_call_that_does_not_fit_is_not_sent() -> None:
    maestro, _ = attached()
    call = RunTool("WriteFile", "c", "g", {"content": "x" * MAX_FRAME_TO_EXECUTOR})

    with pytest.raises(FrameTooLarge):
        maestro.send(call, seq=1)


def test_a_text_that_does_not_fit_is_cut_for_this_executor() -> None:
    maestro, executor = attached(Handshake("cli", "p", (), limits=FrameLimits(MIN_FRAME_BYTES)))

    (received,) = executor.receive(maestro.send(AgentMessage("g", "x" * 50_000), seq=2))

    assert isinstance(received, Frame)
    assert isinstance(received.message, AgentMessage)
    assert received.message.truncated
    assert 16_000 < len(received.message.content) < MIN_FRAME_BYTES


def test_a_result_is_cut_to_what_this_maestro_reads() -> None:
    maestro, executor = attached(
        started=SessionStarted("s", "r", limits=FrameLimits(max_result_bytes=1_000))
    )
    cut = Frame(
        ToolResult(
            "c",
            "success",
            "é" * 500,
            "g",
            metadata=ResultMetadata(truncated=True, total_bytes=10_000),
        )
    )

    sent = executor.send(ToolResult("c", "success", "é" * 5_000, "g"))

    assert sent == encode(cut)
    assert maestro.receive(sent) == (cut,)


def test_a_result_that_was_not_cut_before_is_cut_where_it_arrives() -> None:
    maestro, _ = attached()
    frame = Frame(ToolResult("c", "success", "x" * (MAX_RESULT_BYTES + 1), "g"))

    (received,) = maestro.receive(encode(frame))

    assert isinstance(received, Frame)
    assert isinstance(received.message, ToolResult)
    assert len(received.message.result) == MAX_RESULT_BYTES
    assert received.message.metadata.total_bytes == MAX_RESULT_BYTES + 1


def test_what_the_user_wrote_is_never_cut_by_the_executor() -> None:
    _, executor = attached()

    with pytest.raises(FrameTooLarge):
        executor.send(UserMessage("x" * MAX_FRAME_TO_MAESTRO))


def test_the_diff_of_a_result_is_cut_when_the_frame_would_be_too_large() -> None:
    _, executor = attached()
    result = ToolResult(
        "c", "success", "ok", "g", metadata=ResultMetadata(diff="d" * MAX_FRAME_TO_MAESTRO)
    )

    assert len(executor.send(result)) <= MAX_FRAME_TO_MAESTRO


# What comes twice, or too late


@covers("R-WIRE-16")
def test_a_durable_frame_that_was_seen_is_dropped_but_never_a_call() -> None:
    maestro, executor = attached(Handshake("cli", "", (), resume=Resume("s", 10)))
    assert executor.last_seq == 10

    seen = AgentMessage("r1-1", "seen")
    assert executor.receive(maestro.send(seen, seq=10)) == ()
    assert executor.receive(maestro.send(_CALL, seq=4)) == (Frame(_CALL, seq=4),)
    assert executor.last_seq == 10
    cancel = Frame(CancelTool("c"), seq=12)
    assert executor.receive(maestro.send_frame(cancel)) == (cancel,)
    assert executor.receive(maestro.send_frame(cancel)) == ()
    assert executor.last_seq == 12


def test_frames_without_a_seq_are_never_taken_for_old_ones() -> None:
    maestro, executor = attached()
    executor.receive(maestro.send(CancelTool("c"), seq=3))
    status = StatusChanged("running")

    assert executor.receive(maestro.send(status)) == (Frame(status),)
    assert executor.receive(maestro.send(status)) == (Frame(status),)


def heard(executor: Executor, maestro: Maestro, *messages: FromMaestro) -> list[FromMaestro]:
    """Those of `messages` that the executor's side lets through."""
    frames = [frame for message in messages for frame in executor.receive(maestro.send(message))]
    return [frame.message for frame in frames if isinstance(frame, Frame)]


@covers("R-WIRE-17")
def test_deltas_of_an_older_generation_are_dropped() -> None:
    maestro, executor = attached()
    first, late = AgentMessageDelta("r1-1", "a"), AgentReasoningDelta("r1-1", "b")
    second = AgentMessageDelta("r1-2", "c")

    assert heard(executor, maestro, first, second, late, second) == [first, second, second]


@pytest.mark.parametrize(
    "end", [AgentMessage("r1-2", "all"), RunTool("Shell", "c", "r1-2", {}), UsageCounted("r1-2")]
)
def test_deltas_of_a_finished_generation_are_dropped(end: FromMaestro) -> None:
    maestro, executor = attached()
    late, later = AgentMessageDelta("r1-2", "a"), AgentMessageDelta("r1-3", "b")

    assert heard(executor, maestro, end, late, later) == [end, later]


def test_deltas_of_a_finished_run_are_dropped() -> None:
    maestro, executor = attached()
    delta, end = AgentMessageDelta("r1-2", "a"), RunFinished("interrupted", "interrupted")

    assert heard(executor, maestro, delta, end, delta) == [delta, end]


def test_the_bootstrap_is_no_generation() -> None:
    maestro, executor = attached()
    bootstrap, delta = RunTool("ReadFolder", "c", "bootstrap", {}), AgentMessageDelta("a1", "x")

    assert heard(executor, maestro, bootstrap, delta) == [bootstrap, delta]
