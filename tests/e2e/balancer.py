"""A load balancer of one screen: whole TCP connections, round robin, past what does not answer.

Passes WebSockets by knowing nothing of them; any maestro can serve any session.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

_CHUNK = 64 * 1024

Address = tuple[str, int]


class Balancer:
    def __init__(self, backends: Sequence[Address]) -> None:
        self.served: list[int] = []
        """Which backend each connection went to, in order."""
        self.address = ""
        self._backends = backends
        self._turn = 0
        self._open: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            async with _closing(writer):
                await self._pass_on(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass  # one end is gone, or the balancer ends: so does the connection
        finally:
            self._open.discard(task)

    async def end(self) -> None:
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await self._backend()
        async with _closing(back):
            ways = [
                asyncio.create_task(_pump(reader, back)),
                asyncio.create_task(_pump(there, writer)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)

    async def _backend(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to the next one that takes it; OSError when none does."""
        for _ in self._backends:
            place = self._turn % len(self._backends)
            self._turn += 1
            with contextlib.suppress(OSError):
                connected = await asyncio.open_connection(*self._backends[place])
                self.served.append(place)
                return connected
        raise OSError("no backend takes the connection")


@asynccontextmanager
async def balancing(*backends: Address) -> AsyncGenerator[Balancer]:
    """A balancer on a free port of 127.0.0.1, over these, until the block ends."""
    balancer = Balancer(backends)
    server = await asyncio.start_server(balancer.serve, "127.0.0.1", 0)
    balancer.address = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield balancer
    finally:
        server.close()
        await balancer.end()
        await server.wait_closed()


@asynccontextmanager
async def _closing(writer: asyncio.StreamWriter) -> AsyncGenerator[None]:
    try:
        yield
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(_CHUNK):
        writer.write(chunk)
        await writer.drain()
