"""uvicorn as this project needs it: our limits, our signals, and a word once it listens.

Pings, dead peers and the size of a frame's header are uvicorn's work, by the numbers given here.
"""

import asyncio
import contextlib
import os
import socket
import struct
import sys
from collections.abc import Generator
from pathlib import Path
from typing import cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request
from websockets.protocol import State

from maestro.edge.app import create_app
from maestro.edge.edge import Edge
from maestro.edge.line import WRITE_TEXT
from maestro.errors import SettingsError
from maestro.settings import Listen
from protocol.version import MAX_FRAME_TO_MAESTRO, PING_SECONDS, SILENT_SECONDS

BACKLOG = 2048
HEADER_SECONDS = 10.0
"""For a request's line and headers to come."""
GRACEFUL_SECONDS = 5
"""For requests to end in once sockets and streams are gone; generations have their own time."""


class HttpServer:
    """One listening server. `serve` ends after `stop`, once the edge has drained."""

    def __init__(self, edge: Edge, listen: Listen, listener: socket.socket | None = None) -> None:
        config = uvicorn.Config(
            create_app(edge),
            http=PunctualHttp,
            ws=DirectSocket,
            ws_max_size=MAX_FRAME_TO_MAESTRO,
            ws_ping_interval=PING_SECONDS,
            ws_ping_timeout=SILENT_SECONDS - PING_SECONDS,
            ws_per_message_deflate=False,
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=GRACEFUL_SECONDS,
        )
        self._edge = edge
        self._server = _Server(config)
        self._socket = listener or bound(listen)
        self._leaving: asyncio.Task[None] | None = None

    @property
    def address(self) -> str:
        """Where it listens, the port resolved."""
        if self._socket.family == socket.AF_UNIX:
            return f"unix:{self._socket.getsockname()}"
        host, port = self._socket.getsockname()[:2]
        return str(Listen(host, port))

    async def serve(self) -> None:
        await self._server.serve(sockets=[self._socket])

    async def started(self, serving: asyncio.Task[None]) -> None:
        """Wait until it listens; what `serving` died of is raised."""
        ready = asyncio.create_task(self._server.ready.wait())
        await asyncio.wait({ready, serving}, return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            ready.cancel()
            await serving
            raise SettingsError("the server ended before it listened")

    def stop(self) -> None:
        """Let nobody in, send everybody elsewhere (1012), then end `serve`."""
        if self._leaving is None:
            self._leaving = asyncio.create_task(self._leave(), name="leave")

    async def _leave(self) -> None:
        """The server itself would wait for event streams, which have no end of their own.

        Whoever is sent away must not come back to this door: a balancer finds it shut.
        """
        self._server.stop_listening()
        try:
            await self._edge.drain()
        finally:
            self._server.should_exit = True


class PunctualHttp(HttpToolsProtocol):
    """Drops a connection whose request is not told within a time: uvicorn waits for ever."""

    header_seconds = HEADER_SECONDS
    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast("asyncio.Transport", transport))
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._in_time()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._wait()

    def on_headers_complete(self) -> None:
        self._in_time()
        super().on_headers_complete()

    def _wait(self) -> None:
        if self._late is None:
            self._late = self.loop.call_later(self.header_seconds, self.transport.abort)

    def _in_time(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None


class DirectSocket(WebSocketsSansIOProtocol):
    """Offers the application to write a text frame into the connection without a task of its own.

    Where a peer reads as fast as it is written to, nothing has to wait: 5 us instead of 25 a frame.
    """

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if self.response.status_code == 101:
            scope = cast("dict[str, dict[str, object]]", self.scope)
            scope["extensions"][WRITE_TEXT] = self.write_text

    def write_text(self, text: bytes) -> bool:
        """False before the handshake, while the peer reads too little, and behind a close."""
        may_speak = self.conn.state is State.OPEN and not self.close_sent
        if not may_speak or not self.writable.is_set() or self.transport.is_closing():
            return False
        size = len(text)
        if size < 126:  # RFC 6455, 5.2: final, text, not masked
            head = struct.pack("!BB", 0x81, size)
        elif size < 1 << 16:
            head = struct.pack("!BBH", 0x81, 126, size)
        else:
            head = struct.pack("!BBQ", 0x81, 127, size)
        self.transport.write(head + text)
        return True


class _Server(uvicorn.Server):
    """Leaves signals to the composition root, and says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield

    def stop_listening(self) -> None:
        """Take no connection more; those that are there go on."""
        for server in self.servers:
            server.close()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


def bound(listen: Listen) -> socket.socket:
    """A listening socket; uvicorn itself would make a unix socket that everybody may use.

    Raises SettingsError when nobody can listen there.
    """
    try:
        if listen.uds is not None:
            return _bound_unix(listen.uds)
        family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
        listener = socket.create_server((listen.host, listen.port), family=family, backlog=BACKLOG)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise SettingsError(f"can't listen on {listen}: {why}") from error
    # Inherited by what it accepts. asyncio sets no TCP_NODELAY where the listener's protocol is 0.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if sys.platform == "linux":  # a peer that stalls is dropped
        milliseconds = int(SILENT_SECONDS * 1000)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
    return listener


def _bound_unix(path: Path) -> socket.socket:
    if path.exists():
        if not path.is_socket():
            raise SettingsError(f"can't listen on {path}: it is there, and no socket")
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(str(path)) == 0:
                raise SettingsError(f"can't listen on {path}: another server does")
        path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    previous = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(previous)
    listener.listen(BACKLOG)
    return listener
