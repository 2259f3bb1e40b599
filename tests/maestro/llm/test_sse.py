"""The event stream parser by itself."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maestro.llm.sse import MAX_EVENT, EventStream, StreamTooLarge


def _events(*chunks: bytes) -> list[bytes]:
    stream = EventStream()
    return [event for chunk in chunks for event in stream.feed(chunk)] + list(stream.end())


@pytest.mark.parametrize(
    ("sent", "events"),
    [
        (b"data: a\n\ndata: b\n\n", [b"a", b"b"]),
        (b"data:a\r\n\r\ndata: b\r\r", [b"a", b"b"]),
        (b"data: a\ndata: b\n\n", [b"a\nb"]),
        (b": ping\n\ndata: a\n\n: ping\n\n", [b"a"]),
        (b"event: x\nid: 7\ndata: a\nretry: 1\n\n", [b"a"]),
        (b"data:  two spaces\n\n", [b" two spaces"]),
        (b"data: [DONE]\n\n", [b"[DONE]"]),
        (b"data: unended", [b"unended"]),
        (b"data\n\n\n\n", []),
        (b"", []),
    ],
)
def test_events_are_the_joined_data_lines(sent: bytes, events: list[bytes]) -> None:
    assert _events(sent) == events


@given(
    sent=st.lists(st.sampled_from([b"data: ", b"\xc3\xa9", b"\r", b"\n", b"\r\n", b":", b"x"])),
    cuts=st.lists(st.integers(min_value=0, max_value=60)),
)
def test_where_the_bytes_are_cut_changes_nothing(sent: list[bytes], cuts: list[int]) -> None:
    whole = b"".join(sent)
    places = [0, *sorted(min(place, len(whole)) for place in cuts), len(whole)]
    pieces = [whole[a:b] for a, b in itertools.pairwise(places)]

    assert _events(*pieces) == _events(whole)


def test_a_line_end_that_is_cut_in_two_is_one_line_end() -> None:
    assert _events(b"data: a\r", b"\ndata: b\r", b"\n\r", b"\n") == [b"a\nb"]


def test_a_line_of_the_longest_length_passes_and_one_more_does_not() -> None:
    assert _events(b"data: " + b"x" * (MAX_EVENT - 6), b"\n\n") == [b"x" * (MAX_EVENT - 6)]
    with pytest.raises(StreamTooLarge):
        _events(b"data: " + b"x" * (MAX_EVENT - 5), b"\n\n")
