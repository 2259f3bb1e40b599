"""Golden frames damaged on the way: each is read, ignored or refused, in both directions."""

import json
from collections.abc import Callable
from typing import Any, cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocol.codec import Ignored, decode_from_executor, decode_from_maestro, encode
from protocol.errors import RemoteProtocolError
from protocol.wire import Frame
from tests.protocol.golden import ALL, text_of

Decode = Callable[..., Frame[Any] | Ignored]
DIRECTIONS: dict[str, Decode] = {
    "from_executor": decode_from_executor,
    "from_maestro": decode_from_maestro,
}
MAX_BYTES = 1 << 20
FRAMES = tuple(text_of(direction, name).encode() for direction, name, _ in ALL)
TOKENS = st.sampled_from(
    [b"{", b"}", b"[", b"]", b",", b":", b'"', b"null", b"true", b"-1", b"1e999", b"9" * 40, b"{}",
     b"\\u0000", b"\\ud800", b"\xff", b"\xed\xa0\x80", b"\0", b'"type":',
     b'"payload":', b'"id":"x",', b"[" * 70, b"NaN", b"\xef\xbb\xbf"]
)  # fmt: skip
PLACES = st.integers(0, 5000)
_Mutation = tuple[str, int, int, bytes]
MUTATIONS: st.SearchStrategy[list[_Mutation]] = st.lists(
    st.tuples(
        st.sampled_from(["put", "drop", "twice", "flip", "splice", "cut"]),
        PLACES,
        st.integers(1, 60),
        TOKENS | st.binary(min_size=1, max_size=8) | st.sampled_from(FRAMES),
    ),
    min_size=1,
    max_size=5,
)


def mutated(content: bytes, mutations: list[_Mutation]) -> bytes:
    for kind, place, length, other in mutations:
        at = place % (len(content) + 1)
        end = at + length
        match kind:
            case "put":
                content = content[:at] + other + content[at:]
            case "drop":
                content = content[:at] + content[end:]
            case "twice":
                content = content[:end] + content[at:end] + content[end:]
            case "flip":
                content = content[:at] + bytes(byte ^ length for byte in content[at : at + 1])
            case "splice":
                content = content[:at] + other[place % (len(other) + 1) :]
            case _:
                content = content[:at]
    return content


@pytest.mark.parametrize("direction", DIRECTIONS)
@given(frame=st.sampled_from(FRAMES), mutations=MUTATIONS)
@example(frame=b'{"type":"interrupt","payload":{}}', mutations=[("put", 0, 1, b"\xef\xbb\xbf")])
def test_a_damaged_frame_is_read_ignored_or_refused(
    direction: str, frame: bytes, mutations: list[_Mutation]
) -> None:
    """What is read means the same when it is written and read again."""
    _require_an_answer(DIRECTIONS[direction], mutated(frame, mutations))


def _require_an_answer(decode: Decode, content: bytes) -> None:
    try:
        found = decode(content, max_bytes=MAX_BYTES)
    except RemoteProtocolError as error:
        refused = error
    else:
        refused = None
        _require_the_same_again(decode, content, found)
    assert refused is None or 0 < len(refused.message) < 500


def _require_the_same_again(decode: Decode, content: bytes, found: Frame[Any] | Ignored) -> None:
    if isinstance(found, Frame):
        assert decode(encode(found), max_bytes=MAX_BYTES) == found
    if _is_text(content):
        assert decode(content.decode(), max_bytes=MAX_BYTES) == found


def _is_text(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


def _with_another(value: Any, way: list[int], other: Any) -> Any:
    """`value` with `other` in the place that `way` leads to."""
    if not way or not isinstance(value, dict | list) or not value:
        return other
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        name = sorted(members)[way[0] % len(members)]
        return members | {name: _with_another(members[name], way[1:], other)}
    items = list(cast("list[Any]", value))
    at = way[0] % len(items)
    items[at] = _with_another(items[at], way[1:], other)
    return items


@pytest.mark.parametrize("direction", DIRECTIONS)
@given(
    frame=st.sampled_from(FRAMES),
    way=st.lists(st.integers(0, 9), min_size=1, max_size=5),
    other=VALUES,
)
def test_a_frame_with_a_value_of_any_kind_is_read_ignored_or_refused(
    direction: str, frame: bytes, way: list[int], other: Any
) -> None:
    content = json.dumps(_with_another(json.loads(frame), way, other)).encode()
    _require_an_answer(DIRECTIONS[direction], content)
