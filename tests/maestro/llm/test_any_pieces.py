"""Answers of providers that are cut anywhere: where the bytes are cut changes nothing."""

import itertools
import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from maestro.domain.conversation import Reply
from maestro.errors import ModelError
from maestro.llm.assembly import Assembly
from maestro.llm.connection import Answer
from maestro.llm.sse import EventStream, StreamTooLarge

CUTS = st.lists(st.floats(0, 1), max_size=12)
"""Where a text is cut, as shares of its length."""
_WORDS = st.sampled_from(["a", "é", "😀", "\u2028", '"', "\\", "", "\n\ndata: x", "[DONE]"])


def _call_delta(
    index: int | None, call: str | None, name: str | None, said: str | None
) -> dict[str, Any]:
    function = {"name": name, "arguments": said}
    return {"tool_calls": [{"index": index, "id": call, "function": function}]}


def _chunk(delta: Any, finish: str | None) -> dict[str, Any]:
    return {"choices": [{"delta": delta, "finish_reason": finish}]}


def _event(chunk: dict[str, Any]) -> bytes:
    return json.dumps(chunk, ensure_ascii=False, indent=1).encode()


_DELTAS: st.SearchStrategy[Any] = st.one_of(
    st.fixed_dictionaries({"content": _WORDS}),
    st.fixed_dictionaries({"reasoning_content": _WORDS}),
    st.builds(
        _call_delta,
        st.none() | st.integers(0, 2),
        st.none() | st.sampled_from(["a", "b"]),
        st.none() | st.sampled_from(["Read", "Shell"]),
        st.none() | st.sampled_from(["{", "}", '"x"', ""]),
    ),
    st.none() | st.integers() | st.lists(st.text(max_size=3), max_size=2),
)
_ENDS = st.sampled_from([None, None, "stop", "tool_calls", "length", "odd"])
_OTHER: tuple[dict[str, Any], ...] = (
    {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
    {"error": {"message": "no"}},
)
_CHUNKS = st.builds(_event, st.builds(_chunk, _DELTAS, _ENDS) | st.sampled_from(_OTHER))
EVENTS = st.lists(_CHUNKS | st.just(b"[DONE]") | st.binary(max_size=12), max_size=8)


def pieces(content: bytes, cuts: list[float]) -> list[bytes]:
    places = [0, *sorted(round(cut * len(content)) for cut in cuts), len(content)]
    return [content[a:b] for a, b in itertools.pairwise(places)]


def _read(parts: list[bytes]) -> tuple[list[object], Reply | str]:
    """What is told live, and the reply or the kind of its failure."""
    stream, assembly = EventStream(), Assembly("test")
    live: list[object] = []
    try:
        for part in parts:
            for event in stream.feed(part):
                live += assembly.add(event)
        for event in stream.end():
            live += assembly.add(event)
        return live, assembly.reply()
    except (ModelError, StreamTooLarge) as error:
        return live, f"{type(error).__name__}: {error}"


def _written(event: bytes, ending: bytes) -> bytes:
    """An event, a field for each of its lines."""
    return b"".join(b"data: " + line + ending for line in event.split(b"\n")) + ending


@given(events=EVENTS, ending=st.sampled_from([b"\n", b"\r\n", b"\r"]), cuts=CUTS)
def test_a_stream_of_events_is_the_same_reply_however_it_is_cut(
    events: list[bytes], ending: bytes, cuts: list[float]
) -> None:
    content = b"".join(_written(event, ending) for event in events)

    assert _read(pieces(content, cuts)) == _read([content])
    assert _read([bytes([byte]) for byte in content]) == _read([content])


_BODIES = st.binary(max_size=60)
_HEADS = st.sampled_from(
    [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 429 Too Many\r\nRetry-After: 1\r\n", b"HTTP/1.0 200 OK\r\n",
     b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n", b"HTTP/1.1 503 \r\nX: \xff\r\n",
     b"HTTP/9 x"]
)  # fmt: skip


def _chunked(head: bytes, body: bytes, cuts: list[float]) -> bytes:
    parts = [part for part in pieces(body, cuts) if part]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    return head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"


def _measured(head: bytes, body: bytes, wrong_by: int) -> bytes:
    return head + b"Content-Length: %d\r\n\r\n" % max(0, len(body) + wrong_by) + body


def _unmeasured(head: bytes, body: bytes) -> bytes:
    return head + b"\r\n" + body


ANSWERS = st.one_of(
    st.builds(_chunked, _HEADS, _BODIES, CUTS),
    st.builds(_measured, _HEADS, _BODIES, st.integers(-3, 3)),
    st.builds(_unmeasured, _HEADS, _BODIES),
    st.binary(max_size=80),
)


def _answered(parts: list[bytes]) -> tuple[object, ...]:
    answer = Answer()
    try:
        for part in parts:
            answer.feed(part)
    except ConnectionError:
        return ("not HTTP", answer.status, answer.has_head)
    return (answer.status, answer.headers, answer.is_whole, bytes(answer.waiting))


@given(content=ANSWERS, cuts=CUTS)
@example(content=b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", cuts=[0.4, 0.5])
@example(content=b"HTTP/1.0 200\r\nContent-Length:0\r\n\r\n\x00", cuts=[0.96875])
def test_an_answer_of_http_is_the_same_however_it_is_cut(content: bytes, cuts: list[float]) -> None:
    parts = [part for part in pieces(content, cuts) if part]

    assert _answered(parts) == _answered([content] if content else [])
