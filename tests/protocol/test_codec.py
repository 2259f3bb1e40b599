"""Frames survive the way there and back, and what is not a frame is refused by name."""

import contextlib
import json
from typing import Any, get_args

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from protocol.codec import (
    Ignored,
    decode_from_executor,
    decode_from_maestro,
    encode,
    well_formed,
)
from protocol.errors import CloseCode, ErrorCode, RemoteProtocolError
from protocol.from_executor import FromExecutor, Interrupt, ToolResult, UserMessage
from protocol.from_maestro import FromMaestro
from protocol.wire import Frame
from tests.examples import examples
from tests.protocol import strategies
from tests.protocol.golden import FROM_EXECUTOR, text_of

MAX_BYTES = 1 << 20

_SENT_BY = [
    *((kind, decode_from_executor) for kind in get_args(FromExecutor)),
    *((kind, decode_from_maestro) for kind in get_args(FromMaestro)),
]
_KINDS = st.sampled_from(_SENT_BY)


def refusal(text: str | bytes, max_bytes: int = MAX_BYTES) -> tuple[ErrorCode, str | None, str]:
    """Code, field and words with which an executor's frame is refused."""
    with pytest.raises(RemoteProtocolError) as raised:
        decode_from_executor(text, max_bytes=max_bytes)
    return raised.value.code, raised.value.field, raised.value.message


def result_frame(**changes: Any) -> str:
    """A `tool_result` with some fields of its payload changed; None takes one away."""
    payload = {"tool_id": "c", "status": "success", "result": "", "generation_id": "g"} | changes
    payload = {name: value for name, value in payload.items() if value is not None}
    return json.dumps({"type": "tool_result", "payload": payload})


@settings(max_examples=examples(500))
@given(_KINDS, st.data())
def test_every_message_comes_out_as_it_went_in(sent: tuple[Any, Any], data: Any) -> None:
    kind, decode = sent
    frame = data.draw(strategies.frames(kind, strategies.text()))

    assert decode(encode(frame), max_bytes=MAX_BYTES) == frame
    assert decode(encode(frame).decode(), max_bytes=MAX_BYTES) == frame


@settings(max_examples=examples(500))
@given(_KINDS, st.data())
def test_whatever_strings_a_message_holds_its_bytes_are_well_formed(
    sent: tuple[Any, Any], data: Any
) -> None:
    kind, decode = sent
    frame = data.draw(strategies.frames(kind, strategies.text(surrogates=True)))

    assert decode(encode(frame), max_bytes=MAX_BYTES).message is not None


def test_a_frame_is_an_envelope_with_the_message_in_its_payload() -> None:
    encoded = encode(Frame(Interrupt("stop"), id="i-1", seq=3, timestamp="now"))

    assert json.loads(encoded) == {
        "type": "interrupt",
        "payload": {"reason": "stop"},
        "id": "i-1",
        "seq": 3,
        "timestamp": "now",
    }
    assert encode(Frame(Interrupt())) == b'{"type":"interrupt","payload":{}}'


def test_an_unknown_type_is_ignored_whatever_it_holds() -> None:
    text = '{"type":"telepathy","payload":7,"id":[]}'

    assert decode_from_executor(text, max_bytes=MAX_BYTES) == Ignored("telepathy")


def test_a_type_of_the_other_direction_is_unknown() -> None:
    text = text_of("from_maestro", "run_tool")

    assert decode_from_executor(text, max_bytes=MAX_BYTES) == Ignored("run_tool")


def test_unknown_fields_are_ignored_at_every_level() -> None:
    text = json.dumps(
        {
            "type": "tool_result",
            "mood": "fine",
            "metadata": {"client": "x", "planet": "earth"},
            "payload": {
                "type": "of no use here",
                "tool_id": "c",
                "status": "success",
                "result": "",
                "generation_id": "g",
                "metadata": {"weather": "rain"},
            },
        }
    )

    frame = decode_from_executor(text, max_bytes=MAX_BYTES)

    assert isinstance(frame, Frame)
    assert frame.message == ToolResult("c", "success", "", "g")


def test_null_and_absent_are_the_same_in_the_envelope() -> None:
    text = '{"type":"interrupt","payload":{},"id":null,"seq":null,"timestamp":null}'

    assert decode_from_executor(text, max_bytes=MAX_BYTES) == Frame(Interrupt())


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("{}", "type"),
        ('{"type":7,"payload":{}}', "type"),
        ('{"type":"interrupt"}', "payload"),
        ('{"type":"interrupt","payload":[]}', "payload"),
        ('{"type":"interrupt","payload":null}', "payload"),
        ('{"type":"interrupt","payload":{"reason":1}}', "payload.reason"),
        ('{"type":"interrupt","payload":{},"id":7}', "id"),
        ('{"type":"interrupt","payload":{},"id":""}', "id"),
        ('{"type":"interrupt","payload":{},"id":"%s"}' % ("i" * 201), "id"),
        ('{"type":"interrupt","payload":{},"seq":0}', "seq"),
        ('{"type":"interrupt","payload":{},"seq":"1"}', "seq"),
        ('{"type":"interrupt","payload":{},"timestamp":1}', "timestamp"),
        ('{"type":"interrupt","payload":{},"metadata":[]}', "metadata"),
        ('{"type":"interrupt","payload":{},"metadata":{"user":1}}', "metadata.user"),
        (result_frame(tool_id=None), "payload.tool_id"),
        (result_frame(tool_id=1), "payload.tool_id"),
        (result_frame(status="fine"), "payload.status"),
        (result_frame(result={}), "payload.result"),
        (result_frame(generation_id=True), "payload.generation_id"),
        (result_frame(error={}), "payload.error.code"),
        (result_frame(content=[{}]), "payload.content[0].type"),
        (result_frame(content=[{"type": "sound"}]), "payload.content[0].type"),
        (result_frame(content=[{"type": "text"}]), "payload.content[0].text"),
        (result_frame(metadata={"duration_ms": -1}), "payload.metadata.duration_ms"),
        (result_frame(metadata={"duration_ms": 2**63}), "payload.metadata.duration_ms"),
        (
            result_frame(metadata={"changes": [{"path": "a", "kind": "created"}, {"path": "b"}]}),
            "payload.metadata.changes[1].kind",
        ),
    ],
)
def test_a_wrong_field_is_named_by_its_path(text: str, field: str) -> None:
    code, named, message = refusal(text)

    assert (code, named) == (ErrorCode.BAD_FRAME, field)
    assert message.startswith(f"{field}: ")


@pytest.mark.parametrize(
    "path",
    [
        "payload.client_type",
        "payload.initial_prompt",
        "payload.known_tools",
        "payload.custom_tools",
        "payload.project_spec",
        "payload.project_spec.content",
        "payload.project_spec.file_paths",
    ],
)
def test_each_field_of_the_users_handshake_is_typed(path: str) -> None:
    frame = json.loads(text_of("from_executor", "handshake"))
    holder: Any = frame
    *parents, name = path.split(".")
    for parent in parents:
        holder = holder[parent]
    holder[name] = 7

    assert refusal(json.dumps(frame))[:2] == (ErrorCode.BAD_FRAME, path)


def test_a_refusal_knows_the_id_and_the_call_of_what_it_refuses() -> None:
    text = '{"type":"tool_result","id":"x","payload":{"tool_id":"c","status":"fine"}}'

    with pytest.raises(RemoteProtocolError) as raised:
        decode_from_executor(text, max_bytes=MAX_BYTES)

    assert (raised.value.frame_id, raised.value.tool_id) == ("x", "c")
    assert raised.value.close_code is None


def test_a_refusal_never_repeats_much_of_what_it_refuses() -> None:
    message = refusal(result_frame(status="x" * 10_000))[2]

    assert len(message) < 300


@pytest.mark.parametrize("text", ["é" * 30, b"\xff" * 60, "x" * 51, "\ud800" * 20])
def test_a_frame_above_the_limit_is_refused_before_it_is_read(text: str | bytes) -> None:
    with pytest.raises(RemoteProtocolError) as raised:
        decode_from_executor(text, max_bytes=50)

    assert raised.value.code is ErrorCode.TOO_LARGE
    assert raised.value.close_code is CloseCode.TOO_LARGE


def test_a_frame_of_exactly_the_limit_is_read() -> None:
    text = encode(Frame(Interrupt("é")))

    assert decode_from_executor(text, max_bytes=len(text)) == Frame(Interrupt("é"))
    assert decode_from_executor(text.decode(), max_bytes=len(text)) == Frame(Interrupt("é"))


@pytest.mark.parametrize(
    ("escaped", "read"),
    [
        (r"\ud800", "\ufffd"),
        (r"\uDC00\uD800", "\ufffd\ufffd"),
        (r"\ud83d\ude00", "😀"),
        (r"\\ud800", r"\ud800"),
        ("\ud800", "\ufffd"),
        ("\udcff é", "\ufffd é"),
    ],
)
def test_a_lone_surrogate_is_replaced_where_it_enters(escaped: str, read: str) -> None:
    text = f'{{"type":"user_message","payload":{{"content":"{escaped}"}}}}'

    assert decode_from_executor(text, max_bytes=MAX_BYTES) == Frame(UserMessage(read))


def test_well_formed_text_is_left_as_it_is() -> None:
    assert well_formed("plain") == "plain"
    assert well_formed("é😀\ud800") == "é😀\ufffd"


@given(st.binary(max_size=200))
@example(b'{"type":"tool_result","payload":{"tool_id":"c"}}')
@example(b'{"type":"interrupt","payload":{},"id":"a","id":"b"}')
def test_any_bytes_are_a_frame_or_ignored_or_refused(data: bytes) -> None:
    for decode in (decode_from_executor, decode_from_maestro):
        with contextlib.suppress(RemoteProtocolError):
            assert isinstance(decode(data, max_bytes=150), Frame | Ignored)


@given(st.sampled_from(list(FROM_EXECUTOR)), st.data())
def test_a_golden_frame_with_one_byte_changed_is_read_or_refused(name: str, data: Any) -> None:
    text = bytearray(text_of("from_executor", name).encode())
    text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))

    with contextlib.suppress(RemoteProtocolError):
        assert decode_from_executor(bytes(text), max_bytes=MAX_BYTES)
