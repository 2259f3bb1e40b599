"""How large the body of a request may be, told or not.

Counts while it comes; keeps nothing.
"""

from collections.abc import Sequence

from starlette.types import Message, Receive

MAX_BODY = 4 * 1024 * 1024
"""Bytes: as much as the largest frame."""


def is_too_large(headers: Sequence[tuple[bytes, bytes]]) -> bool:
    """Its length is told, and is more than may come. A server lets only digits through."""
    told = [value for name, value in headers if name == b"content-length"]
    return any(len(value) > 18 or int(value) > MAX_BODY for value in told if value.isdigit())


def bounded(receive: Receive) -> Receive:
    """`receive`, which ends as if the peer had gone once more has come than may."""
    left = MAX_BODY

    async def counted() -> Message:
        nonlocal left
        if left < 0:
            return {"type": "http.disconnect"}
        message = await receive()
        left -= len(message.get("body", b""))
        return message if left >= 0 else {"type": "http.disconnect"}

    return counted
