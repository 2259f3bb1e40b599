"""A WebSocket client that costs next to nothing, so that a load generator measures others.

Text frames of a server that fragments nothing, pings answered; no more of RFC 6455 than that.
"""

import asyncio
import os
import struct
from collections.abc import Callable
from typing import cast
from urllib.parse import urlsplit

_TEXT, _CLOSE, _PING, _PONG = 0x1, 0x8, 0x9, 0xA
_NO_MASK = bytes(4)
"""A mask that changes nothing: the server cannot tell, and we need not compute."""


class RawSocket(asyncio.Protocol):
    """`on_frame` gets each text frame's bytes, `on_end` is called once when it is over."""

    def __init__(
        self,
        request: bytes,
        on_open: Callable[["RawSocket"], None],
        on_frame: Callable[["RawSocket", bytes], None],
        on_end: Callable[["RawSocket", str], None],
    ) -> None:
        self._request = request
        self._on_open = on_open
        self._on_frame = on_frame
        self._on_end = on_end
        self._received = bytearray()
        self._is_open = False
        self._why = "the server closed the connection"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._is_open and not self._opened():
            return
        while self._take():
            pass

    def connection_lost(self, exc: Exception | None) -> None:
        self._on_end(self, str(exc or self._why))

    def send(self, text: bytes) -> None:
        self._transport.write(_frame(_TEXT, text))

    def close(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(_frame(_CLOSE, struct.pack(">H", 1000)))
            self._transport.close()

    def _opened(self) -> bool:
        head, separator, _ = bytes(self._received).partition(b"\r\n\r\n")
        if not separator:
            return False
        if b" 101 " not in head.partition(b"\r\n")[0]:
            self._why = bytes(self._received).decode(errors="replace")[:500]
            self._transport.close()
            return False
        del self._received[: len(head) + 4]
        self._is_open = True
        self._on_open(self)
        return True

    def _take(self) -> bool:
        """Hand out one frame; False when there is no whole one."""
        received = self._received
        if len(received) < 2:
            return False
        size, start = received[1] & 0x7F, 2
        if size == 126:
            size, start = int.from_bytes(received[2:4], "big"), 4
        elif size == 127:
            size, start = int.from_bytes(received[2:10], "big"), 10
        if len(received) < start + size:
            return False
        kind, content = received[0] & 0x0F, bytes(received[start : start + size])
        del received[: start + size]
        if kind == _TEXT:
            self._on_frame(self, content)
        elif kind == _PING:
            self._transport.write(_frame(_PONG, content))
        elif kind == _CLOSE:
            self._why = f"closed: {content!r}"
            self._transport.close()
        return True


def upgrade(address: str, token: str) -> tuple[str, int, bytes]:
    """Host, port and the request that opens an executor's socket at `http://...`."""
    parts = urlsplit(address)
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    lines = (
        "GET /ws/v1/connect HTTP/1.1",
        f"Host: {host}:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Version: 13",
        f"Authorization: Bearer {token}",
    )
    return host, port, ("\r\n".join(lines) + "\r\n\r\n").encode()


def _frame(kind: int, content: bytes) -> bytes:
    size = len(content)
    if size < 126:
        head = struct.pack(">BB", 0x80 | kind, 0x80 | size)
    elif size < 1 << 16:
        head = struct.pack(">BBH", 0x80 | kind, 0x80 | 126, size)
    else:
        head = struct.pack(">BBQ", 0x80 | kind, 0x80 | 127, size)
    return head + _NO_MASK + content


def message_id() -> str:
    return os.urandom(8).hex()
