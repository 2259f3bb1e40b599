"""Text frames that are written without a task of their own: as others read them, and bounded."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedOK

from maestro.bootstrap.direct_socket import DirectSocket
from maestro.bootstrap.punctual_http import PunctualHttp
from maestro.edge.line import WRITE_TEXT, Line, SocketEnded
from protocol.errors import CloseCode

Conversation = Callable[[WebSocket], Awaitable[None]]


UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@asynccontextmanager
async def talking(conversation: Conversation) -> AsyncGenerator[int]:
    """The port of a server that says what `conversation` does to the one who comes in."""
    ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        accepted = WebSocket(scope, receive, send)
        await accepted.accept()
        try:
            await conversation(accepted)
        except Exception as error:
            ended.set_exception(error)
            raise
        ended.set_result(None)

    config = uvicorn.Config(
        app,
        http=PunctualHttp,
        ws=DirectSocket,
        lifespan="off",
        log_config=None,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=1,
    )
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve([listener]))
    try:
        async with asyncio.timeout(20):
            yield listener.getsockname()[1]
            await ended
    finally:
        server.should_exit = True
        await serving


def client_of(port: int) -> connect:
    return connect(f"ws://127.0.0.1:{port}", max_size=None, compression=None, proxy=None)


async def test_frames_of_all_lengths_arrive_whole_and_in_order() -> None:
    texts = ["", "é", "a" * 125, "b" * 126, "c" * 65535, "d" * 65536, "e" * 200_000, "end"]
    finished = asyncio.Event()

    async def say(accepted: WebSocket) -> None:
        line = Line(accepted, send_seconds=5)
        for text in texts:
            await line.send(text.encode())
        await finished.wait()

    async with talking(say) as port, client_of(port) as client:
        assert [await client.recv() for _ in texts] == texts
        finished.set()


async def test_nothing_is_written_before_the_accept_and_behind_the_close() -> None:
    written: list[bool] = []

    async def say(accepted: WebSocket) -> None:
        write: Callable[[bytes], bool] = accepted.scope["extensions"][WRITE_TEXT]
        written.append(write(b"last"))
        await accepted.close(1000)
        written.append(write(b"never"))

    async with talking(say) as port, client_of(port) as client:
        assert await client.recv() == "last"
        with pytest.raises(ConnectionClosedOK):
            await client.recv()

    assert written == [True, False]


async def test_a_peer_that_reads_nothing_ends_the_line_and_bounds_what_waits() -> None:
    direct: list[bool] = []

    async def flood(accepted: WebSocket) -> None:
        write: Callable[[bytes], bool] = accepted.scope["extensions"][WRITE_TEXT]
        while len(direct) < 10_000 and write(b"x" * 10_000):
            direct.append(True)
        line = Line(accepted, send_seconds=0.1)
        with pytest.raises(SocketEnded) as ended:
            await line.send(b"no room")
        assert ended.value.code is CloseCode.SILENT

    async with talking(flood) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(UPGRADE)
        await reader.readuntil(b"\r\n\r\n")  # and then no more than fits into its buffer

    writer.close()
    assert len(direct) < 10_000
