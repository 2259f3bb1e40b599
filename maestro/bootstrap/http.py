"""uvicorn as this project needs it: our limits, our signals, and a word once it listens.

Pings, dead peers and the size of a frame's header are uvicorn's work, by the numbers given here.
"""

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Generator
from functools import partial
from pathlib import Path
from typing import Any, cast

import uvicorn

from maestro.bootstrap.direct_socket import DirectSocket
from maestro.bootstrap.punctual_http import PunctualHttp, Strangers
from maestro.edge.app import create_app
from maestro.edge.edge import Edge
from maestro.errors import SettingsError
from maestro.settings import Listen
from protocol.version import MAX_FRAME_TO_MAESTRO, PING_SECONDS, SILENT_SECONDS

BACKLOG = 2048
GRACEFUL_SECONDS = 5
"""For requests to end in once sockets and streams are gone; generations have their own time."""


class HttpServer:
    """One listening server. `serve` ends after `stop`, once the edge has drained."""

    def __init__(self, edge: Edge, listen: Listen, listener: socket.socket | None = None) -> None:
        config = uvicorn.Config(
            create_app(edge),
            http=cast("Any", partial(PunctualHttp, strangers=Strangers())),
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
