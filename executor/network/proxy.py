"""The one way out of a sandbox: an HTTP proxy on sockets in the file system, and what it lets pass.

Whoever may connect gets no more than the reach allows. Nothing of what passes is kept or read, but
for the head of each request.
"""

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress

import msgspec

from executor.network.guard import NotReachable
from executor.network.late_dialling import dialled
from executor.network.reach import Reach
from executor.network.relay import Streams, pass_on, refuse
from executor.network.requests import HEAD_MAX, Asked, BadRequest, read_head
from executor.network.socket_folder import SocketFolder

CONNECTIONS_MAX = 128
"""Of one session's commands, at once."""
REFUSED_MAX = 32
"""Those beyond, at once, that are still told why; any more are dropped."""
BACKLOG = 64
"""Taken in at one go."""
TOLD_MAX = 100
"""Places that one command's visit is told of; what it asks for beyond is answered, and not told."""
KEPT_MAX = 64
"""Commands whose refusals wait to be asked for."""

Told = Callable[[str, str, int, str], None]
"""Mark of the command, host, port, and `allowed` or `refused`."""


class Times(msgspec.Struct, frozen=True):
    """Seconds that a connection may take."""

    head: float = 20.0
    dial: float = 30.0
    idle: float = 300.0
    linger: float = 2.0
    """After a refusal."""


class _Visit:
    """One command's connections."""

    def __init__(self, mark: str) -> None:
        self.mark = mark
        self.told: set[tuple[str, int, str]] = set()
        self.refused: dict[str, None] = {}
        self.tasks: set[asyncio.Task[None]] = set()


class Proxy:
    """Of one session; each command gets a socket of its own."""

    def __init__(
        self,
        reach: Reach,
        folder: SocketFolder,
        told: Told = lambda _mark, _host, _port, _verdict: None,
        times: Times | None = None,
    ) -> None:
        self.reach = reach
        self._folder = folder
        self._told = told
        self._times = times or Times()
        self._connections = 0
        self._refused: dict[str, tuple[str, ...]] = {}

    @asynccontextmanager
    async def way_out(self, mark: str) -> AsyncGenerator[str]:
        """The path of a socket for the command of this mark; it ends with the context."""
        visit = _Visit(mark)

        def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._begin(visit, reader, writer)

        with self._folder.listening() as (listener, path):
            server = await asyncio.start_unix_server(
                serve, sock=listener, limit=HEAD_MAX, backlog=BACKLOG
            )
            try:
                yield path
            finally:
                server.close()
                for task in visit.tasks:
                    task.cancel()
                if visit.tasks:
                    await asyncio.wait(tuple(visit.tasks))
                self._keep(visit)

    def refused(self, mark: str) -> tuple[str, ...]:
        """What the ended commands of this mark were refused, as `host:port`; told once."""
        return self._refused.pop(mark, ())

    def close(self) -> None:
        self._folder.close()

    def _keep(self, visit: _Visit) -> None:
        if visit.refused:
            before = self._refused.pop(visit.mark, ())
            self._refused[visit.mark] = tuple(dict.fromkeys((*before, *visit.refused)))[:TOLD_MAX]
        while len(self._refused) > KEPT_MAX:
            del self._refused[next(iter(self._refused))]

    def _begin(
        self, visit: _Visit, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Take a connection, or drop it where even a refusal would hold too many handles open."""
        if self._connections >= CONNECTIONS_MAX + REFUSED_MAX:
            writer.transport.abort()
            return

        def over(task: asyncio.Task[None]) -> None:
            self._connections -= 1
            visit.tasks.discard(task)
            if not writer.is_closing():
                writer.transport.abort()

        self._connections += 1
        task = asyncio.create_task(self._serve(visit, reader, writer))
        visit.tasks.add(task)
        task.add_done_callback(over)

    async def _serve(
        self, visit: _Visit, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with suppress(ConnectionError, TimeoutError):  # it went away, or was silent for too long
            await self._answer(visit, (reader, writer))
            writer.close()

    async def _answer(self, visit: _Visit, client: Streams) -> None:
        if self._connections > CONNECTIONS_MAX:
            await refuse(
                client, 503, f"more than {CONNECTIONS_MAX} connections at once", self._times.linger
            )
            return
        try:
            asked = await self._asked(client[0])
        except BadRequest as error:
            await refuse(client, error.status, f"{error}", self._times.linger)
            return
        if asked is None:
            return
        try:
            remote = await self._reached(visit, asked)
        except NotReachable as error:
            await refuse(client, 403, error.why, self._times.linger)
        except OSError as error:
            why = f"{asked.host}:{asked.port} does not answer: {error.strerror or 'no answer'}"
            await refuse(client, 502, why, self._times.linger)
        else:
            await pass_on(asked, client, remote, self._times.idle)

    async def _asked(self, reader: asyncio.StreamReader) -> Asked | None:
        """None: the client has gone. Raises BadRequest, TimeoutError."""
        try:
            async with asyncio.timeout(self._times.head):
                return read_head(await reader.readuntil(b"\r\n\r\n"))
        except asyncio.LimitOverrunError:
            raise BadRequest(f"the head has more than {HEAD_MAX} bytes", 431) from None
        except asyncio.IncompleteReadError:
            return None

    async def _reached(self, visit: _Visit, asked: Asked) -> socket.socket:
        """A socket to what was asked for. Raises NotReachable, and OSError."""
        why = self.reach.refusal(asked.host, asked.port)
        try:
            if why is not None:
                raise NotReachable(why)
            async with asyncio.timeout(self._times.dial):
                remote = await dialled(self.reach, asked.host, asked.port)
        except NotReachable:
            self._note(visit, asked, "refused")
            raise
        except OSError:
            self._note(visit, asked, "allowed")
            raise
        self._note(visit, asked, "allowed")
        return remote

    def _note(self, visit: _Visit, asked: Asked, verdict: str) -> None:
        told = (asked.host, asked.port, verdict)
        if told in visit.told or len(visit.told) >= TOLD_MAX:
            return
        visit.told.add(told)
        if verdict == "refused":
            visit.refused[f"{asked.host}:{asked.port}"] = None
        self._told(visit.mark, *told)
