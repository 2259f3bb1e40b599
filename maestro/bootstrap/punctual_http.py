"""One connection of HTTP: what is asked must come in time and be no larger than it may.

uvicorn waits for ever and takes any size. Judges no request; the application does.
"""

import asyncio
from typing import cast

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from maestro.bootstrap.direct_socket import DirectSocket
from maestro.bootstrap.unread import UNREAD_SECONDS, Unread

HEAD_SECONDS = 10.0
"""For a request's line and headers to come; also for the first byte of the next request."""
BODY_SECONDS = 30.0
"""For what follows the head."""
MAX_HEAD = 64 * 1024
"""Bytes of a request's line and headers."""
MAX_STRANGERS = 1_000
"""Connections of one server that have shown no key and have nothing to wait for."""
HEADER_BYTES = 32
"""What a header costs beside its characters."""


class Strangers:
    """Those who have shown no key and whose turn it is to speak: the oldest gives way."""

    def __init__(self, most: int = MAX_STRANGERS) -> None:
        self._most = most
        self._waiting: dict[asyncio.Protocol, asyncio.Transport] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def join(self, stranger: asyncio.Protocol, transport: asyncio.Transport) -> None:
        if stranger in self._waiting:
            return
        self._waiting[stranger] = transport
        if len(self._waiting) > self._most:
            oldest = next(iter(self._waiting))
            self._waiting.pop(oldest).abort()

    def leave(self, stranger: asyncio.Protocol) -> None:
        self._waiting.pop(stranger, None)


class PunctualHttp(HttpToolsProtocol):
    """Somebody's turn at any time: the server's, or the peer's with a timer that runs."""

    head_seconds = HEAD_SECONDS
    body_seconds = BODY_SECONDS
    unread_seconds = UNREAD_SECONDS

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        strangers: Strangers | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._strangers = Strangers() if strangers is None else strangers
        self._is_known = False
        """A request of this connection has shown a key."""
        self._late: asyncio.TimerHandle | None = None
        self._in_request = False
        """A request has begun and is not whole."""
        self._in_head = True
        """So is its head, or nothing has begun."""
        self._head_bytes = 0
        self._is_upgraded = False
        """The connection is another protocol's."""
        self._heads = 0
        """That were whole."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        opened = cast("asyncio.Transport", transport)
        super().connection_made(opened)
        self._unread = Unread(opened, self.unread_seconds)
        self._await_peer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unread.stop()
        self._serve()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        heads = self._heads
        super().data_received(data)
        if self.transport.is_closing() or self._is_upgraded:
            return
        if self._in_head and heads == self._heads:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD:
                _refuse_head(self.transport)
                return
        if not self._is_serving():  # uvicorn forgets its own timer with every byte
            self._await_peer()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_request, self._in_head, self._head_bytes = True, True, 0

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_bytes += len(name) + len(value) + HEADER_BYTES
        if self._head_bytes <= MAX_HEAD:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._heads += 1
        if self._head_bytes + len(self.url) > MAX_HEAD:
            _refuse_head(self.transport)
            return
        self._serve()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if not self.transport.is_closing():
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_request, self._in_head = False, True
        self._serve()
        if not self.transport.is_closing():
            super().on_message_complete()

    def on_response_complete(self) -> None:
        self._is_known = self._is_known or "account" in self.cycle.scope.get("state", {})
        self._unread.look()
        super().on_response_complete()
        if not self._is_serving() and not self.transport.is_closing():
            self._await_peer()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread.look()

    def handle_websocket_upgrade(self) -> None:
        self._is_upgraded = True
        self._serve()
        self._unread.stop()
        super().handle_websocket_upgrade()
        protocol = self.transport.get_protocol()
        if isinstance(protocol, DirectSocket) and not self.transport.is_closing():
            self.transport.pause_reading()  # both loops choose how to read when they begin to
            self.transport.set_protocol(protocol.slices)
            self.transport.resume_reading()

    def _is_serving(self) -> bool:
        """It is the server's turn."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return cycle is not None and not cycle.response_complete and not self._in_request

    def _await_peer(self) -> None:
        if self._late is None:
            seconds = self.head_seconds if self._in_head else self.body_seconds
            self._late = self.loop.call_later(seconds, self.transport.abort)
        if not self._is_known:
            self._strangers.join(self, self.transport)

    def _serve(self) -> None:
        self._strangers.leave(self)
        if self._late is not None:
            self._late.cancel()
            self._late = None


def _refuse_head(transport: asyncio.Transport) -> None:
    """No application is asked: nothing of the request was kept."""
    transport.write(
        b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
        b"content-length: 0\r\nconnection: close\r\n\r\n"
    )
    transport.close()
