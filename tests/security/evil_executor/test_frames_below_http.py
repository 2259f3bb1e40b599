"""What is hostile beneath a frame: lengths that lie, pieces without end, requests without one."""

import asyncio
import base64
import os
import socket
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from websockets.asyncio.client import connect

from maestro.bootstrap.punctual_http import PunctualHttp
from tests.maestro.bootstrap.program import ran, started
from tests.maestro.edge.stage import Peer
from tests.requirements import covers

MEBIBYTE = 1024 * 1024
KEY = {"OPENAI_API_KEY": "sk-test-0000"}
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def resident(pid: int) -> int:
    """Bytes of memory that a process really takes."""
    pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


async def upgraded(address: str, token: str) -> Streams:
    """A WebSocket whose bytes the test writes itself."""
    host, _, port = address.removeprefix("http://").rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    nonce = base64.b64encode(os.urandom(16)).decode()
    writer.write(
        f"GET /ws/v1/connect HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {nonce}\r\n"
        "Sec-WebSocket-Extensions: permessage-deflate\r\n"
        f"Authorization: Bearer {token}\r\n\r\n".encode()
    )
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101")
    assert b"deflate" not in head
    return reader, writer


async def close_code(reader: asyncio.StreamReader) -> int:
    """Of the close frame that comes."""
    while True:
        first, second = await reader.readexactly(2)
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack(">H", await reader.readexactly(2))
        payload = await reader.readexactly(size)
        if first & 0x0F == 8:
            return int(struct.unpack(">H", payload[:2])[0])


def head(size: int, opcode: int, *, last: bool = True) -> bytes:
    """Of a masked frame (the mask is zero)."""
    return struct.pack(">BBQ", (0x80 if last else 0) | opcode, 0x80 | 127, size) + bytes(4)


@covers("R-EVIL-1")
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
async def test_a_length_that_lies_is_refused_on_the_header_and_costs_no_memory(
    tmp_path: Path,
) -> None:
    token = (await ran(tmp_path, "keys", "create", "evil")).out.strip()
    other = (await ran(tmp_path, "keys", "create", "innocent")).out.strip()
    async with (
        asyncio.timeout(30),
        started(tmp_path, "serve", "--port", "0", "--model", "openai/x", **KEY) as program,
    ):
        address = await program.listening()
        headers = {"Authorization": f"Bearer {other}"}
        url = f"{address.replace('http', 'ws', 1)}/ws/v1/connect"
        async with connect(url, additional_headers=headers, proxy=None) as quiet:
            innocent = Peer(quiet)
            await innocent.handshake(known_tools=[])
            before = resident(program.process.pid)
            codes: list[int] = []
            for size in (1024 * MEBIBYTE, 2**62, 4 * MEBIBYTE + 1):
                reader, writer = await upgraded(address, token)
                writer.write(head(size, 1) + b"{" * 1000)
                codes.append(await close_code(reader))
                writer.close()
            reader, writer = await upgraded(address, token)
            for number in range(5):
                writer.write(head(MEBIBYTE, 0 if number else 1, last=False) + b" " * MEBIBYTE)
            codes.append(await close_code(reader))
            writer.close()

            assert codes == [1009] * 4
            assert resident(program.process.pid) - before < 32 * MEBIBYTE
            await innocent.send("interrupt", {}, id="i1")
            await innocent.until("accepted")


class Impatient(PunctualHttp):
    head_seconds = 0.1


@asynccontextmanager
async def impatient() -> AsyncGenerator[tuple[str, int]]:
    """A server that waits a tenth of a second for a request to be told."""

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    config = uvicorn.Config(app, port=0, http=Impatient, log_config=None, lifespan="off")
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve([listener]))
    try:
        yield listener.getsockname()
    finally:
        server.should_exit = True
        await serving


@pytest.mark.parametrize(
    "told",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nX-Slow: ",
    ],
    ids=["nothing", "half a request", "half a second one"],
)
async def test_a_request_that_is_not_told_in_time_is_dropped(told: bytes) -> None:
    async with asyncio.timeout(10), impatient() as (host, port):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(told)

        with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
            await reader.readexactly(100_000)
        writer.close()


async def test_a_request_that_is_told_in_time_is_answered() -> None:
    async with asyncio.timeout(10), impatient() as (host, port):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")

        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()
