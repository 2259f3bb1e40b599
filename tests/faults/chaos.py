"""A TCP proxy that misbehaves on request: late, slow, in slices, silent, cut, reset, down.

Between unix sockets and loopback addresses alike. Keeps what it passed on; knows no protocol.
"""

import asyncio
import contextlib
import socket
import struct
from collections import deque
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

CHUNK = 64 * 1024
Address = tuple[str, int] | Path


@dataclass
class Way:
    """How bytes of one direction fare; may be changed while they flow."""

    latency: float = 0.0
    """Seconds before each piece."""
    bytes_per_second: float | None = None
    slice: int | None = None
    """Pass on pieces of so many bytes, each a write of its own."""


@dataclass(frozen=True)
class Cut:
    """The end of one connection: behind so many bytes of one direction."""

    way: Literal["up", "down"]
    after: int
    reset: bool = False
    """By RST instead of FIN."""


@dataclass
class Passed:
    """One connection: the bytes that were handed on."""

    up: bytearray = field(default_factory=bytearray)
    """From the client."""
    down: bytearray = field(default_factory=bytearray)
    """To the client."""
    silent: bool = False


class ChaosProxy:
    def __init__(self, targets: Sequence[Address]) -> None:
        """The first of `targets` that takes a connection gets it; may be changed at any time."""
        self.targets = targets
        self.up = Way()
        self.down = Way()
        self.cuts: deque[Cut] = deque()
        """Each connection takes the next of them, as long as there are some."""
        self.passed: list[Passed] = []
        """One for each connection that reached a target, in order."""
        self.address = ""
        self._refusing = False
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    def go_down(self) -> None:
        """Cut everybody, and whoever comes, until `come_up`."""
        self._refusing = True
        self.cut()

    def come_up(self) -> None:
        self._refusing = False

    def cut(self, *, reset: bool = False) -> None:
        """End every connection that is open at this moment."""
        for task, client in self._open.items():
            if reset:
                _reset(client)
            task.cancel()

    def silence(self) -> None:
        """Swallow all of the connections that are open, and close none: a black hole."""
        for passed in self.passed:
            passed.silent = True

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = writer
        try:
            async with _closing(writer):
                if not self._refusing:
                    await self._pass_on(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass  # one end is gone, or is to be: so is the connection
        finally:
            del self._open[task]

    async def end(self) -> None:
        self.cut()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await self._target()
        passed = Passed()
        self.passed.append(passed)
        cut = self.cuts.popleft() if self.cuts else None
        limits = {cut.way: cut.after} if cut is not None else {}
        up = _Flow(self.up, passed, passed.up, limits.get("up"))
        down = _Flow(self.down, passed, passed.down, limits.get("down"))
        async with _closing(back):
            ways = [
                asyncio.create_task(_pump(reader, back, up)),
                asyncio.create_task(_pump(there, writer, down)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                if cut is not None and cut.reset:
                    _reset(writer)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)

    async def _target(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        for target in tuple(self.targets):
            with contextlib.suppress(OSError):
                if isinstance(target, Path):
                    return await asyncio.open_unix_connection(str(target))
                return await asyncio.open_connection(*target)
        raise OSError("no target takes the connection")


@asynccontextmanager
async def chaos(*targets: Address, listen: Path | None = None) -> AsyncGenerator[ChaosProxy]:
    """A proxy to `targets`, on a free port of 127.0.0.1 or the unix socket `listen`."""
    proxy = ChaosProxy(targets)
    if listen is None:
        server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
        proxy.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    else:
        server = await asyncio.start_unix_server(proxy.serve, str(listen))
        proxy.address = f"unix:{listen}"
    try:
        yield proxy
    finally:
        server.close()
        await proxy.end()
        await server.wait_closed()


@dataclass
class _Flow:
    """One direction of one connection."""

    way: Way
    passed: Passed
    kept: bytearray
    limit: int | None


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flow: _Flow) -> None:
    way = flow.way
    while chunk := await reader.read(CHUNK):
        if flow.passed.silent:
            continue
        for piece in _pieces(chunk, way.slice):
            if way.latency:
                await asyncio.sleep(way.latency)
            if way.bytes_per_second:
                await asyncio.sleep(len(piece) / way.bytes_per_second)
            kept = piece if flow.limit is None else piece[: flow.limit - len(flow.kept)]
            writer.write(kept)
            flow.kept += kept
            await writer.drain()
            if len(flow.kept) == flow.limit:
                return


def _pieces(chunk: bytes, size: int | None) -> Iterator[bytes]:
    step = size or len(chunk)
    return (chunk[start : start + step] for start in range(0, len(chunk), step))


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close by RST: what waits in either direction is thrown away."""
    connection: socket.socket | None = writer.get_extra_info("socket")
    if connection is None or connection.fileno() < 0:
        return  # it has ended by itself
    if connection.family != socket.AF_UNIX:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@asynccontextmanager
async def _closing(writer: asyncio.StreamWriter) -> AsyncGenerator[None]:
    try:
        yield
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
