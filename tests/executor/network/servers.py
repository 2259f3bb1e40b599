"""Servers on loopback that remember what they were sent, and a proxy before them.

Names are resolved by a table of the test's own. Holds no test.
"""

import asyncio
import socket
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from executor.network.dialling import connect
from executor.network.entries import parse_entry
from executor.network.proxy import Proxy, Times
from executor.network.reach import Reach
from executor.network.socket_folder import SocketFolder

PUBLIC = "93.184.216.34"
"""What names of the tests lead to; whoever dials it gets a server on loopback."""

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class World:
    """What lies behind the proxy: names, addresses, and one server that stands for all."""

    def __init__(
        self, *, answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    ) -> None:
        self.answer = answer
        self.names: dict[str, list[str]] = {}
        """Answers in turn; the last one for ever. Other names are PUBLIC."""
        self.received: list[bytes] = []
        self.dialled: list[tuple[str, int]] = []
        self.told: list[tuple[str, str, int, str]] = []
        self.port = 0
        self.connected = 0

    def resolve(self, host: str, port: int) -> Sequence[str]:
        del port
        answers = self.names.get(host, [PUBLIC])
        return [answers.pop(0) if len(answers) > 1 else answers[0]]

    def connect(self, address: str, port: int, seconds: float) -> socket.socket:
        self.dialled.append((address, port))
        return connect("127.0.0.1", self.port, seconds)

    def tell(self, mark: str, host: str, port: int, verdict: str) -> None:
        self.told.append((mark, host, port, verdict))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take what comes until there is a whole head, answer, take the rest, and end."""
        self.connected += 1
        try:
            received = await reader.readuntil(b"\r\n\r\n")
            writer.write(self.answer)
            await writer.drain()
            writer.write_eof()
            received += await reader.read()
            self.received.append(received)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # a tunnel that nothing went through
        finally:
            writer.close()


@asynccontextmanager
async def proxied(
    folder: Path,
    world: World,
    *entries: str,
    denied: tuple[str, ...] = (),
    times: Times | None = None,
) -> AsyncGenerator[tuple[Proxy, str]]:
    """A proxy that lets `entries` through to `world`, and the socket of a command marked `mark`."""
    server = await asyncio.start_server(world.serve, "127.0.0.1", 0)
    world.port = server.sockets[0].getsockname()[1]
    reach = Reach(tuple(map(parse_entry, entries)), denied, world.resolve, world.connect)
    proxy = Proxy(reach, SocketFolder(folder / "sockets"), world.tell, times)
    try:
        async with proxy.way_out("mark") as path:
            yield proxy, path
    finally:
        proxy.close()
        server.close()


async def said(path: str, request: bytes, *, then_end: bool = False) -> bytes:
    """All that is answered to `request`, until the other side ends."""
    async with asyncio.timeout(20):
        reader, writer = await asyncio.open_unix_connection(path)
        try:
            writer.write(request)
            if then_end:
                writer.write_eof()
            return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.close()
