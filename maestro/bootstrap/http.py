"""uvicorn as this project needs it: our limits, our signals, and a word once it listens.

Pings, dead peers and the size of a frame's header are uvicorn's work, by the numbers given here.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Generator
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from maestro.errors import SettingsError
from maestro.settings import Listen
from protocol.version import MAX_FRAME_TO_MAESTRO, PING_SECONDS, SILENT_SECONDS

BACKLOG = 2048
GRACEFUL_SECONDS = 10
"""For sockets to close in; generations have their own time."""


class HttpServer:
    """One listening server. `serve` ends after `stop`, once the application has drained."""

    def __init__(self, app: FastAPI, listen: Listen, listener: socket.socket | None = None) -> None:
        config = uvicorn.Config(
            app,
            http="httptools",
            ws="websockets-sansio",
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
        self._server = _Server(config)
        self._listen = listen
        self._socket = listener or _bound(listen)

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
        self._server.should_exit = True


class _Server(uvicorn.Server):
    """Leaves signals to the composition root, and says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


def _bound(listen: Listen) -> socket.socket:
    """A listening socket; uvicorn itself would make a unix socket that everybody may use."""
    try:
        if listen.uds is not None:
            return _bound_unix(listen.uds)
        family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
        return socket.create_server(
            (listen.host, listen.port), family=family, backlog=BACKLOG, reuse_port=False
        )
    except OSError as error:
        raise SettingsError(f"can't listen on {listen}: {error.strerror or error}") from error


def _bound_unix(path: Path) -> socket.socket:
    with contextlib.suppress(FileNotFoundError):
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(str(path)) == 0:
                raise SettingsError(f"can't listen on {path}: another server does")
        path.unlink()
    listener = socket.socket(socket.AF_UNIX)
    previous = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(previous)
    listener.listen(BACKLOG)
    return listener
