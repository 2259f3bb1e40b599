"""Read the WebSocket frames out of the bytes of a connection, as far as they are whole.

RFC 6455 without extensions, as the contract speaks it; judges nothing.
"""

import json
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]
TEXT = 1


def texts(stream: bytes) -> list[Json]:
    """The JSON text messages behind the HTTP head of either direction."""
    _, found, rest = stream.partition(b"\r\n\r\n")
    return [json.loads(text) for text in _messages(rest)] if found else []


def _messages(stream: bytes) -> Iterator[bytes]:
    place, pieces = 0, b""
    while len(stream) - place >= 2:
        first, second = stream[place], stream[place + 1]
        place += 2
        length, more = second & 127, {126: 2, 127: 8}.get(second & 127, 0)
        if more:
            length = int.from_bytes(stream[place : place + more])
            place += more
        mask = stream[place : place + 4] if second & 128 else b""
        place += len(mask)
        if place + length > len(stream):
            return
        if first & 15 in (0, TEXT):
            pieces += _unmasked(stream[place : place + length], mask)
            if first & 128:
                yield pieces
                pieces = b""
        place += length


def _unmasked(payload: bytes, mask: bytes) -> bytes:
    if not mask:
        return payload
    return bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))
