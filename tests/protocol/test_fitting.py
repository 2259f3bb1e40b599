"""What is too large for a peer is cut at a character, says so, and keeps what identifies it."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.codec import FrameTooLarge, cut, cut_result, encode, fit
from protocol.errors import ErrorCode, LocalProtocolError
from protocol.fitting import CUTTABLE
from protocol.from_executor import Handshake, ResultMetadata, ToolResult, UserMessage
from protocol.from_maestro import (
    AgentMessage,
    ErrorReported,
    PlanUpdated,
    RunFinished,
    RunTool,
    SessionEvent,
)
from protocol.version import MIN_FRAME_BYTES
from protocol.wire import FileChange, Frame, ImageContent, PlanStep, TextContent
from tests.protocol import strategies

_LIMIT = 16 * 1024
_CHARACTERS = st.characters()


@given(st.text(_CHARACTERS), st.integers(0, 60))
def test_a_cut_is_a_start_of_the_text_that_fits(text: str, max_bytes: int) -> None:
    start, total = cut(text, max_bytes)
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    assert len(start.encode()) <= max_bytes
    assert whole.startswith(start)
    assert total == (None if start == whole else len(whole.encode()))
    assert start == whole or len(whole[: len(start) + 1].encode()) > max_bytes


@pytest.mark.parametrize(
    ("text", "max_bytes", "expected"),
    [
        ("", 0, ("", None)),
        ("abc", 3, ("abc", None)),
        ("abc", 2, ("ab", 3)),
        ("aé", 3, ("aé", None)),
        ("aé", 2, ("a", 3)),
        ("😀", 3, ("", 4)),
        ("a\ud800", 4, ("a\ufffd", None)),
    ],
)
def test_text_is_cut_between_characters(
    text: str, max_bytes: int, expected: tuple[str, int | None]
) -> None:
    assert cut(text, max_bytes) == expected


def test_a_cut_result_tells_how_much_there_was() -> None:
    result = ToolResult("c", "success", "é" * 10, "g", metadata=ResultMetadata(exit_code=0))

    assert cut_result(result, 20) is result
    assert cut_result(result, 5) == ToolResult(
        "c",
        "success",
        "éé",
        "g",
        metadata=ResultMetadata(exit_code=0, truncated=True, total_bytes=20),
    )


def test_a_result_cut_twice_still_tells_the_first_length() -> None:
    result = cut_result(ToolResult("c", "success", "x" * 100, "g"), 50)

    assert cut_result(result, 10).metadata == ResultMetadata(truncated=True, total_bytes=100)


def test_what_fits_is_the_same_frame() -> None:
    frame = Frame(AgentMessage("g", "x" * 1000), seq=1)

    assert fit(frame, len(encode(frame))) is frame


@pytest.mark.parametrize("character", ["x", "é", "😀", '"', "\\", "\x01", "\n", "\ud800"])
def test_a_long_text_is_cut_to_the_limit_in_encoded_bytes(character: str) -> None:
    frame = Frame(AgentMessage("g_01", character * 30_000), seq=9)

    fitted = fit(frame, _LIMIT)

    assert _LIMIT - 150 < len(encode(fitted)) <= _LIMIT
    assert fitted == Frame(AgentMessage("g_01", fitted.message.content, truncated=True), seq=9)
    assert set(fitted.message.content) == {character if character != "\ud800" else "\ufffd"}


def test_attachments_go_before_text_and_go_whole() -> None:
    image = ImageContent("image/png", "A" * _LIMIT)
    frame = Frame(UserMessage("look", (image, TextContent("and read"))), id="u", seq=2)

    assert fit(frame, _LIMIT) == Frame(UserMessage("look", truncated=True), id="u", seq=2)


def test_the_content_of_a_result_goes_before_its_text() -> None:
    result = ToolResult("c", "success", "ok", "g", content=(TextContent("x" * _LIMIT),))

    assert fit(Frame(result), _LIMIT).message == ToolResult(
        "c", "success", "ok", "g", truncated=True
    )


def test_only_the_longest_strings_are_cut() -> None:
    result = ToolResult(
        "c",
        "success",
        "r" * 50_000,
        "g",
        metadata=ResultMetadata(signal="s" * 500, diff="d" * 40_000),
    )

    fitted = fit(Frame(result), _LIMIT).message

    assert len(fitted.result) == len(fitted.metadata.diff or "") > 7_000
    assert fitted.metadata.signal == "s" * 500
    assert (fitted.truncated, fitted.metadata.total_bytes) == (True, 50_000)


def test_a_result_whose_diff_alone_is_cut_is_whole() -> None:
    result = ToolResult("c", "success", "ok", "g", metadata=ResultMetadata(diff="d" * 40_000))

    fitted = fit(Frame(result), _LIMIT).message

    assert (fitted.result, fitted.truncated, fitted.metadata.truncated) == ("ok", True, False)


def test_long_lists_are_cut_when_their_strings_are_short() -> None:
    changes = tuple(FileChange(f"src/file_{n}.py", "created") for n in range(5_000))
    result = ToolResult("c", "success", "ok", "g", metadata=ResultMetadata(changes=changes))

    fitted = fit(Frame(result), _LIMIT).message

    assert fitted.metadata.changes == changes[:100]
    assert fitted.truncated


@pytest.mark.parametrize(
    "message",
    [
        RunTool("Shell", "c", "g", {"command": "x" * _LIMIT}),
        Handshake("cli", "x" * _LIMIT, ()),
        ErrorReported(ErrorCode.INTERNAL, "x" * _LIMIT),
    ],
)
def test_what_a_cut_would_falsify_is_not_cut(message: Any) -> None:
    with pytest.raises(FrameTooLarge, match=f"{type(message).__name__} takes .* bytes"):
        fit(Frame(message), _LIMIT)
    assert issubclass(FrameTooLarge, LocalProtocolError)


def test_a_frame_that_no_cut_makes_small_is_refused() -> None:
    changes = tuple(FileChange("p" * 120, "created") for _ in range(1_000))
    result = ToolResult("c", "success", "ok", "g", metadata=ResultMetadata(changes=changes))

    with pytest.raises(FrameTooLarge):
        fit(Frame(result), 4_000)


def test_a_long_plan_is_cut() -> None:
    plan = PlanUpdated(tuple(PlanStep("t" * 2_000, "active") for _ in range(40)))

    fitted = fit(Frame(plan, seq=3), _LIMIT)

    assert len(encode(fitted)) <= _LIMIT
    assert fitted.message.truncated
    assert {step.status for step in fitted.message.steps} == {"active"}
    assert len(fitted.message.steps) == 40


def test_every_message_that_says_truncated_can_be_cut() -> None:
    assert set(CUTTABLE) == {
        AgentMessage,
        PlanUpdated,
        RunFinished,
        SessionEvent,
        ToolResult,
        UserMessage,
    }


@given(st.sampled_from(CUTTABLE), st.data())
def test_any_cuttable_message_of_any_size_fits_the_least_limit(kind: Any, data: Any) -> None:
    long_strings = st.text(_CHARACTERS, min_size=1, max_size=5).map(lambda text: text * 3_000)
    message = data.draw(strategies.messages(kind, long_strings))
    frame = Frame(message, seq=1)

    fitted = fit(frame, MIN_FRAME_BYTES)

    assert len(encode(fitted)) <= MIN_FRAME_BYTES
    assert type(fitted.message) is kind
    assert fitted is frame or fitted.message.truncated
    assert msgspec.structs.replace(fitted, message=message) == frame


@pytest.mark.parametrize("character", ["\U0001f600", "\n", "\u2028", "\x01"])
def test_strings_are_cut_between_characters_wherever_the_limit_falls(character: str) -> None:
    text = character * 9000
    metadata = ResultMetadata(exit_code=3, diff=f"-{text}")
    for limit in range(_LIMIT, _LIMIT + 7):
        fitted = fit(Frame(ToolResult("c", "success", text, "g", metadata=metadata)), limit)

        cut_one = fitted.message
        assert len(encode(fitted)) <= limit
        assert set(cut_one.result) == {character}
        assert set(cut_one.metadata.diff or "") == {"-", character}
        assert cut_one.metadata.exit_code == 3
