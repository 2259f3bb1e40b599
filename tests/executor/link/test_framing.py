"""Frames of RFC 6455 as a client reads and writes them, against the library's other end."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame as Theirs
from websockets.frames import Opcode as TheirOpcode
from websockets.protocol import Protocol, Side, State

from executor.link.framing import (
    Close,
    Incoming,
    Opcode,
    Ping,
    Pong,
    Reader,
    Refused,
    close_frame,
    frame,
)

MAX = 70_000
TEXT, BINARY, CONTINUED = TheirOpcode.TEXT, TheirOpcode.BINARY, TheirOpcode.CONT


def theirs(opcode: TheirOpcode, payload: bytes, *, last: bool = True) -> bytes:
    return Theirs(opcode, payload, fin=last).serialize(mask=False)


def read(pieces: Sequence[bytes], max_size: int = MAX) -> list[Incoming]:
    reader = Reader(max_size)
    return [one for piece in pieces for one in reader.feed(piece)]


messages = st.one_of(
    st.text(max_size=300).map(lambda text: ([(TEXT, text.encode())], text)),
    st.binary(max_size=300).map(lambda content: ([(BINARY, content)], content)),
    st.integers(60_000, 66_000).map(lambda size: ([(BINARY, bytes(size))], bytes(size))),
    st.lists(st.text(max_size=40), min_size=2, max_size=5).map(
        lambda parts: (
            [(TEXT, parts[0].encode()), *((CONTINUED, part.encode()) for part in parts[1:])],
            "".join(parts),
        )
    ),
)


@given(st.lists(messages, max_size=6), st.lists(st.integers(1, 5_000), max_size=40))
def test_messages_come_out_whole_however_they_are_cut(
    sent: list[tuple[list[tuple[TheirOpcode, bytes]], Incoming]], cuts: list[int]
) -> None:
    stream = b"".join(
        theirs(opcode, payload, last=number == len(frames))
        for frames, _ in sent
        for number, (opcode, payload) in enumerate(frames, 1)
    )
    pieces: list[bytes] = []
    for cut in cuts:
        pieces.append(stream[:cut])
        stream = stream[cut:]

    assert read([*pieces, stream]) == [message for _, message in sent]


def test_one_byte_at_a_time_is_enough() -> None:
    stream = theirs(TEXT, "grün".encode()) + theirs(BINARY, bytes(200)) + theirs(TEXT, b"")

    assert read([bytes((byte,)) for byte in stream]) == ["grün", bytes(200), ""]


def test_what_is_about_the_connection_may_stand_between_fragments() -> None:
    stream = (
        theirs(TEXT, b"one, ", last=False)
        + theirs(TheirOpcode.PING, b"?")
        + theirs(CONTINUED, b"two")
        + theirs(TheirOpcode.PONG, b"!")
        + theirs(TheirOpcode.CLOSE, b"\x03\xf4moved")
    )

    assert read([stream]) == [Ping(b"?"), "one, two", Pong(b"!"), Close(1012, "moved")]


def test_a_close_without_a_code_says_so() -> None:
    assert read([theirs(TheirOpcode.CLOSE, b"")]) == [Close(1005, "")]


@pytest.mark.parametrize(
    ("stream", "code", "why"),
    [
        (b"\xc1\x00", 1002, "reserved bits"),
        (b"\x81\x80", 1002, "masked"),
        (b"\x83\x00", 1002, "unknown opcode 3"),
        (b"\x89\x7e\x00\x7e", 1002, "control frame"),
        (b"\x09\x00", 1002, "control frame"),
        (b"\x80\x00", 1002, "fragments"),
        (b"\x01\x00\x81\x00", 1002, "fragments"),
        (b"\x88\x01\x03", 1002, "close frame"),
        (b"\x88\x02\x03\xed", 1002, "close frame"),
        (b"\x88\x02\x00\x01", 1002, "close frame"),
        (b"\x88\x03\x03\xe8\xff", 1007, "UTF-8"),
        (b"\x81\x01\xff", 1007, "UTF-8"),
        (b"\x81\x7f\x00\x00\x00\x00\x00\x01\x11\x71", 1009, "more than 70000"),
        (b"\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff", 1009, "more than 70000"),
        (b"\x01\x7e\xff\xff" + bytes(65_535) + b"\x80\x7e\xff\xff", 1009, "more than 70000"),
    ],
)
def test_what_breaks_the_contract_is_refused_by_its_head(
    stream: bytes, code: int, why: str
) -> None:
    with pytest.raises(Refused, match=why) as caught:
        read([stream])

    assert caught.value.code == code


def test_what_came_before_a_breach_is_not_lost() -> None:
    incoming = Reader(MAX).feed(theirs(TEXT, b"fine") + b"\xc1\x00")

    assert next(incoming) == "fine"
    with pytest.raises(Refused):
        next(incoming)


@given(st.binary(max_size=1000) | st.integers(65_000, 66_000).map(bytes))
def test_a_server_reads_what_is_written(payload: bytes) -> None:
    server = Protocol(Side.SERVER, state=State.OPEN, max_size=None)
    server.receive_data(frame(Opcode.BINARY, payload))

    (event,) = server.events_received()
    assert isinstance(event, Theirs)
    assert (event.opcode, bytes(event.data)) == (BINARY, payload)


def test_no_two_frames_are_masked_alike() -> None:
    assert len({frame(Opcode.TEXT, bytes(32)) for _ in range(50)}) == 50


def test_a_long_reason_is_cut_between_characters() -> None:
    whole = close_frame(1002, "ü" * 200)

    assert whole[1] & 0x7F == 124  # the code and 61 characters of two bytes
