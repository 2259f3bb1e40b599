"""RFC 6455, section 5, as a client speaks it: bytes into messages, messages into bytes.

Knows neither sockets nor clocks; extensions are not spoken.
"""

import os
import struct
from collections.abc import Iterator
from enum import IntEnum

import msgspec


class Opcode(IntEnum):
    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


NO_CODE = 1005
"""RFC 6455, 7.1.5: the peer closed and gave no reason."""
PROTOCOL_ERROR = 1002
NO_TEXT = 1007
TOO_BIG = 1009
_FIN = 0x80
_RESERVED = 0x70
_MASKED = 0x80
_CONTROL_MAX = 125
_SHORT, _LONG = 126, 127


class Ping(msgspec.Struct, frozen=True):
    payload: bytes


class Pong(msgspec.Struct, frozen=True):
    payload: bytes


class Close(msgspec.Struct, frozen=True):
    code: int
    why: str


Incoming = str | bytes | Ping | Pong | Close
"""Text, binary, or what is about the connection itself."""


class Refused(Exception):
    """The peer breaks the contract: close with `code`."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code
        self.why = why


def frame(opcode: Opcode, payload: bytes) -> bytes:
    """One whole masked frame."""
    size = len(payload)
    if size <= _CONTROL_MAX:
        head = bytes((_FIN | opcode, _MASKED | size))
    elif size < 1 << 16:
        head = struct.pack("!BBH", _FIN | opcode, _MASKED | _SHORT, size)
    else:
        head = struct.pack("!BBQ", _FIN | opcode, _MASKED | _LONG, size)
    mask = os.urandom(4)
    return head + mask + _masked(payload, mask)


def close_frame(code: int, why: str) -> bytes:
    """`why` is cut to what such a frame holds."""
    reason = why.encode()[: _CONTROL_MAX - 2].decode(errors="ignore").encode()
    return frame(Opcode.CLOSE, struct.pack("!H", code) + reason)


class Reader:
    """Takes what arrives in pieces of any size; holds one message and one piece at most."""

    def __init__(self, max_size: int) -> None:
        """`max_size`: bytes of a message; a longer one is refused by its head."""
        self._max_size = max_size
        self._bytes = bytearray()
        self._opcode: Opcode | None = None
        """Of the message whose fragments are in `_whole`."""
        self._whole = bytearray()

    def feed(self, piece: bytes) -> Iterator[Incoming]:
        """What is complete. Raises Refused, after which nothing more is to be fed."""
        waiting = self._bytes
        waiting += piece
        at = 0
        try:
            while (found := self._frame(waiting, at)) is not None:
                is_last, opcode, begin, at = found
                with memoryview(waiting) as view:
                    payload = bytes(view[begin:at])
                whole = self._taken(opcode, payload, is_last=is_last)
                if whole is not None:
                    yield whole
        finally:
            del waiting[:at]

    def _frame(self, waiting: bytearray, at: int) -> tuple[bool, Opcode, int, int] | None:
        """The frame at `at`: whether it is a message's last, its opcode, where its payload is."""
        if len(waiting) < at + 2:
            return None
        first, size = waiting[at], waiting[at + 1]
        opcode = self._checked(first, size)
        begin = at + 2
        if size in {_SHORT, _LONG}:
            width = 2 if size == _SHORT else 8
            if len(waiting) < begin + width:
                return None
            size = int.from_bytes(waiting[begin : begin + width])
            begin += width
        if opcode < Opcode.CLOSE and size + len(self._whole) > self._max_size:
            raise Refused(TOO_BIG, f"a message of more than {self._max_size} bytes")
        end = begin + size
        return (bool(first & _FIN), opcode, begin, end) if len(waiting) >= end else None

    def _checked(self, first: int, size: int) -> Opcode:
        """The opcode of a frame that begins like this."""
        if first & _RESERVED:
            raise Refused(PROTOCOL_ERROR, "reserved bits are set")
        if size & _MASKED:
            raise Refused(PROTOCOL_ERROR, "a server's frame is masked")
        try:
            opcode = Opcode(first & 0x0F)
        except ValueError:
            raise Refused(PROTOCOL_ERROR, f"unknown opcode {first & 0x0F}") from None
        if opcode >= Opcode.CLOSE:
            if size > _CONTROL_MAX or not first & _FIN:
                raise Refused(PROTOCOL_ERROR, "a control frame is long or in fragments")
        elif (opcode is Opcode.CONTINUATION) is (self._opcode is None):
            raise Refused(PROTOCOL_ERROR, "fragments out of order")
        return opcode

    def _taken(self, opcode: Opcode, payload: bytes, *, is_last: bool) -> Incoming | None:
        match opcode:
            case Opcode.CLOSE:
                return _close(payload)
            case Opcode.PING:
                return Ping(payload)
            case Opcode.PONG:
                return Pong(payload)
            case Opcode.CONTINUATION:
                opcode, self._opcode = self._opcode or opcode, None
                self._whole += payload
                payload = bytes(self._whole) if is_last else b""
            case Opcode.TEXT | Opcode.BINARY:
                self._whole[:] = b"" if is_last else payload
        if not is_last:
            self._opcode = opcode
            return None
        self._whole.clear()
        return _text(payload) if opcode is Opcode.TEXT else payload


def _masked(payload: bytes, mask: bytes) -> bytes:
    """RFC 6455, 5.3, a whole payload at a time."""
    size = len(payload)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload) ^ int.from_bytes(key)).to_bytes(size)


def _text(payload: bytes) -> str:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        raise Refused(NO_TEXT, "text that is not UTF-8") from None


def _close(payload: bytes) -> Close:
    if not payload:
        return Close(NO_CODE, "")
    code = int.from_bytes(payload[:2])
    is_known = 1000 <= code <= 1014 and code not in {1004, NO_CODE, 1006}
    if len(payload) < 2 or not (is_known or 3000 <= code <= 4999):
        raise Refused(PROTOCOL_ERROR, "a close frame without a proper code")
    return Close(code, _text(payload[2:]))
