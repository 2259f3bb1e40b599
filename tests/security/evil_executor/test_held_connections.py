"""Connections that are opened and held: by strangers, and by those who read nothing."""

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from maestro.bootstrap.direct_socket import DirectSocket
from maestro.bootstrap.punctual_http import MAX_HEAD, PunctualHttp, Strangers
from maestro.bootstrap.unread import PROGRESS_BYTES, Unread
from tests.maestro.bootstrap.program import ran, started
from tests.requirements import covers
from tests.security.evil_executor.test_frames_below_http import KEY, MEBIBYTE, resident, upgraded

UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
TRICKLE_SECONDS = 0.02


class Impatient(PunctualHttp):
    head_seconds = body_seconds = unread_seconds = 0.2


async def answered(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def admitted(scope: Scope, receive: Receive, send: Send) -> None:
    scope["state"]["account"] = "ada"
    await answered(scope, receive, send)


async def talking(scope: Scope, receive: Receive, send: Send) -> None:
    socket_of = WebSocket(scope, receive, send)
    await socket_of.accept()
    while (await socket_of.receive())["type"] != "websocket.disconnect":
        pass


@asynccontextmanager
async def served(
    app: ASGIApp | None = None, *, strangers: Strangers | None = None
) -> AsyncGenerator[tuple[str, int]]:
    """A server that answers whatever is asked, without reading a body."""
    config = uvicorn.Config(
        app or answered,
        http=cast("Any", partial(Impatient, strangers=strangers)),
        ws=DirectSocket,
        timeout_keep_alive=60,
        log_config=None,
        lifespan="off",
    )
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve([listener]))
    try:
        async with asyncio.timeout(20):
            yield listener.getsockname()
    finally:
        server.should_exit = True
        await serving


async def ended(reader: asyncio.StreamReader) -> bytes:
    """All that came until the connection was closed."""
    came = bytearray()
    with contextlib.suppress(ConnectionResetError):
        while piece := await reader.read(65536):
            came += piece
    return bytes(came)


@covers("R-EVIL-1")
@pytest.mark.parametrize(
    ("told", "then"),
    [
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n", b"x"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\r\n"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"GET / HTTP/1.1\r\nX: "),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b""),
        (b"", b"\r\n"),
        (UPGRADE + b"Content-Length: 1000000\r\n\r\n", b"x"),
    ],
    ids=[
        "a body",
        "chunks",
        "lines behind an answer",
        "half a request",
        "nothing",
        "lines",
        "an upgrade",
    ],
)
async def test_nobody_holds_a_connection_by_telling_a_little_now_and_then(
    told: bytes, then: bytes
) -> None:
    async with served() as (host, port):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(told)

        async def trickle() -> None:
            while True:
                writer.write(then)
                await asyncio.sleep(TRICKLE_SECONDS)

        telling = asyncio.create_task(trickle())
        await ended(reader)

        telling.cancel()
        writer.close()


@covers("R-EVIL-1")
async def test_a_body_that_the_application_waits_for_comes_in_time_or_not_at_all() -> None:
    async def reading(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        await answered(scope, receive, send)

    async with served(reading) as (host, port):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nx")

        assert await ended(reader) == b""
        writer.close()


@covers("R-EVIL-1")
@pytest.mark.parametrize(
    "headers",
    [b"".join(b"X-%d: 1\r\n" % number for number in range(200)), b"X: " + b"a" * 9000 + b"\r\n"],
    ids=["many", "a long one"],
)
async def test_an_upgrade_with_headers_that_nobody_reads_is_answered(headers: bytes) -> None:
    async with served() as (host, port):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(UPGRADE + headers + b"\r\n")

        assert (await ended(reader)).startswith(b"HTTP/1.1 400 ")
        writer.close()


async def test_a_socket_lives_on_however_little_time_its_request_had() -> None:
    """But for the timers of the request, which was whole: one that stayed would end the socket."""
    strangers = Strangers()
    async with served(talking, strangers=strangers) as (host, port):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(UPGRADE + b"\r\n")
        await reader.readuntil(b"\r\n\r\n")
        timers = Impatient.head_seconds + Impatient.body_seconds + Impatient.unread_seconds
        ends = asyncio.get_running_loop().time() + 2 * timers
        while asyncio.get_running_loop().time() < ends:
            writer.write(struct.pack(">BB", 0x89, 0x80) + bytes(4))
            assert await reader.readexactly(2) == b"\x8a\x00"
            await asyncio.sleep(TRICKLE_SECONDS)

        assert len(strangers) == 0
        writer.close()


@covers("R-EVIL-1")
@pytest.mark.parametrize(
    ("begin", "piece"),
    [
        (b"GET / HTTP/1.1\r\nX: ", b"a" * 1024),
        (b"GET / HTTP/1.1\r\n", b"a: b\r\n" * 64),
        (b"GET /", b"a" * 1024),
        (b"GET / HTTP/1.1\r\n", b"a: b\r\n" * (MAX_HEAD // 32) + b"\r\n"),
    ],
    ids=["a header", "headers", "an address", "headers that come at once"],
)
async def test_a_head_without_end_is_refused(begin: bytes, piece: bytes) -> None:
    async with served() as (host, port):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(begin + piece * (2 * MAX_HEAD // len(piece)))

        assert (await ended(reader)).startswith(b"HTTP/1.1 431 ")
        writer.close()


@covers("R-EVIL-1")
async def test_of_too_many_whom_nobody_knows_the_oldest_gives_way() -> None:
    strangers = Strangers(most=2)
    async with served(strangers=strangers) as (host, port):
        first, *others = [await asyncio.open_connection(host, port) for _ in range(3)]

        assert await ended(first[0]) == b""
        for reader, writer in others:
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        for _, writer in (first, *others):
            writer.close()


async def test_who_has_shown_a_key_is_no_stranger() -> None:
    strangers = Strangers(most=1)
    async with served(admitted, strangers=strangers) as (host, port):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")

        assert len(strangers) == 0
        writer.close()


@covers("R-EVIL-1")
async def test_an_answer_that_nobody_reads_ends_the_connection() -> None:
    dropped = asyncio.Event()

    async def endless(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(1024):  # what is sent to nobody goes nowhere, at once
            body = bytes(65536)
            await send({"type": "http.response.body", "body": body, "more_body": True})
        dropped.set()

    async with served(endless) as (host, port):
        _, writer = await asyncio.open_connection(host, port)
        cast("asyncio.Transport", writer.transport).pause_reading()
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")

        await dropped.wait()
        writer.close()


class Scripted(asyncio.Transport):
    """A transport of which so much is unread at each look."""

    def __init__(self, *unread: int, closing: bool = False) -> None:
        super().__init__()
        self._unread = list(unread)
        self._closing = closing
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def get_write_buffer_size(self) -> int:
        size = self._unread[0]
        if len(self._unread) > 1:
            self._unread.pop(0)
        elif size == 0 and not self.ended.done():
            self.ended.set_result("read")
        return size

    def is_closing(self) -> bool:
        return self._closing

    def abort(self) -> None:
        self.ended.set_result("dropped")


LARGE = 10 * PROGRESS_BYTES


@pytest.mark.parametrize(
    ("unread", "closing", "end"),
    [
        ((LARGE, LARGE), False, "dropped"),
        ((LARGE, LARGE - PROGRESS_BYTES + 1), False, "dropped"),
        ((LARGE, LARGE - PROGRESS_BYTES, LARGE - PROGRESS_BYTES, 0), False, "read"),
        ((LARGE, LARGE - PROGRESS_BYTES, LARGE - PROGRESS_BYTES), True, "dropped"),
    ],
    ids=["reads nothing", "reads a little", "reads slowly", "reads slowly, and is closed"],
)
async def test_who_reads_slowly_is_waited_for_and_who_reads_nothing_is_not(
    unread: tuple[int, ...], closing: bool, end: str
) -> None:
    transport = Scripted(*unread, closing=closing)

    Unread(transport, seconds=0).look()

    async with asyncio.timeout(20):
        assert await transport.ended == end


@covers("R-EVIL-1")
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
async def test_pings_of_who_reads_no_answer_cost_no_memory(tmp_path: Path) -> None:
    token = (await ran(tmp_path, "keys", "create", "evil")).out.strip()
    program = started(
        tmp_path, "serve", "--port", "0", "--model", "openai/x", MAESTRO_USER_SHARE="0", **KEY
    )
    async with program as maestro:
        reader, writer = await upgraded(await maestro.listening(), token)
        cast("asyncio.Transport", writer.transport).pause_reading()
        # What the system keeps for a peer is not the maestro's.
        opened = writer.transport.get_extra_info("socket")
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        before = resident(maestro.process.pid)
        ping = struct.pack(">BB", 0x89, 0x80 | 125) + os.urandom(4) + bytes(125)
        for _ in range(24):
            writer.write(ping * (MEBIBYTE // len(ping)))
            await writer.drain()
        grown = resident(maestro.process.pid) - before
        assert not reader.at_eof()
        writer.close()

    assert grown < 8 * MEBIBYTE


@covers("R-EVIL-1")
async def test_what_is_no_http_is_not_logged(tmp_path: Path) -> None:
    program = started(tmp_path, "serve", "--port", "0", "--model", "openai/x", **KEY)
    async with program as maestro:
        host, _, port = (await maestro.listening()).removeprefix("http://").rpartition(":")
        for nonsense in (b"\x16\x03\x01\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"):
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(nonsense)
            assert (await ended(reader)).startswith(b"HTTP/1.1 400 ")
            writer.close()
        told = (await maestro.stop()).err

    assert "Invalid HTTP" not in told
