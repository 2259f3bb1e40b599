"""A WebSocket of our own against real servers; what a proxied one must do too runs on both."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve, unix_serve
from websockets.exceptions import ConnectionClosed

from executor.link import DialFailed, Endpoint, Socket, SocketClosed, endpoint
from executor.link.direct import Pulse, open_direct
from executor.link.proxied import open_proxied
from executor.link.upgrade import proof
from executor.link.websocket import is_proxied, open_websocket
from protocol.version import MAX_FRAME_TO_EXECUTOR
from tests.executor.process.polling import until
from tests.servers.certificates import self_signed

Open = Callable[[Endpoint, ssl.SSLContext | None], Awaitable[Socket]]
Handler = Callable[[ServerConnection], Awaitable[None]]

both = pytest.mark.parametrize("connect", [open_direct, open_proxied])


@asynccontextmanager
async def serving(handler: Handler) -> AsyncGenerator[Endpoint]:
    async with asyncio.timeout(10), serve(handler, "127.0.0.1", 0, compression=None) as server:
        port = server.sockets[0].getsockname()[1]
        yield endpoint(f"ws://127.0.0.1:{port}", "sk-test-0000")


@asynccontextmanager
async def saying(
    answer: Callable[[str], bytes], *, hangs_up: bool = False
) -> AsyncGenerator[Endpoint]:
    """A server that answers a request, given its key, and then keeps the connection open."""

    left = asyncio.Event()

    async def told(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        key = request.partition(b"Sec-WebSocket-Key: ")[2].split(b"\r\n")[0].decode()
        writer.write(answer(key))
        with suppress(ConnectionError):
            if not hangs_up:
                await reader.read()
        writer.close()
        left.set()

    async with asyncio.timeout(20), await asyncio.start_server(told, "127.0.0.1", 0) as server:
        yield endpoint(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await left.wait()


UPGRADE = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"


def accepting(key: str, *headers: str) -> bytes:
    lines = [f"{UPGRADE}Sec-WebSocket-Accept: {proof(key)}", *headers, "", ""]
    return "\r\n".join(lines).encode()


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


async def end_of(socket: Socket) -> SocketClosed:
    while True:
        try:
            await socket.receive()
        except SocketClosed as closed:
            await socket.close()
            return closed


@both
async def test_messages_go_both_ways_in_their_order(connect: Open) -> None:
    sizes = (0, 1, 125, 126, 65_535, 65_536, MAX_FRAME_TO_EXECUTOR)
    async with serving(echo) as where:
        socket = await connect(where, None)
        sending = asyncio.gather(*(socket.send(b"x" * size) for size in sizes))
        received = [await socket.receive() for _ in sizes]
        await sending
        await socket.close()

    assert received == ["x" * size for size in sizes]


@both
async def test_fragments_and_binary_messages_are_taken(connect: Open) -> None:
    async def handler(connection: ServerConnection) -> None:
        await connection.send(["gr", "ün"])
        await connection.send(b"\x00\xff")

    async with serving(handler) as where:
        socket = await connect(where, None)
        received = [await socket.receive(), await socket.receive()]
        await socket.close()

    assert received == ["grün", b"\x00\xff"]


@both
async def test_the_peers_word_on_the_end_comes_behind_its_messages(connect: Open) -> None:
    async def handler(connection: ServerConnection) -> None:
        for number in range(40):
            await connection.send(str(number))
        await connection.close(4009, "moved")

    async with serving(handler) as where:
        socket = await connect(where, None)
        received = [await socket.receive() for _ in range(40)]
        closed = await end_of(socket)

    assert received == [str(number) for number in range(40)]
    assert (closed.code, closed.why) == (4009, "moved")


@both
async def test_a_connection_that_breaks_is_told_as_such(connect: Open) -> None:
    async def handler(connection: ServerConnection) -> None:
        connection.transport.abort()

    async with serving(handler) as where:
        socket = await connect(where, None)
        closed = await end_of(socket)
        with pytest.raises(SocketClosed):
            await socket.send(b"{}")

    assert closed.code == 1006


@both
async def test_a_message_that_is_too_large_ends_the_connection(connect: Open) -> None:
    told: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()

    async def handler(connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            await connection.send("x" * (MAX_FRAME_TO_EXECUTOR + 1))
            await connection.recv()
        told.set_result(connection.close_code)

    async with serving(handler) as where:
        closed = await end_of(await connect(where, None))

        assert closed.code == 1006
        assert await told == 1009


@both
async def test_what_was_sent_arrives_though_the_peer_is_still_talking(connect: Open) -> None:
    """A connection that is closed with something unread takes what was sent with it."""
    told: asyncio.Future[list[str | bytes]] = asyncio.get_running_loop().create_future()

    async def handler(connection: ServerConnection) -> None:
        await connection.send("x" * 200_000)
        told.set_result([message async for message in connection])

    async with serving(handler) as where:
        socket = await connect(where, None)
        for _ in range(20):
            await socket.send(b"y" * 30_000)
        await socket.close()

        assert await told == ["y" * 30_000] * 20


@both
async def test_a_peer_that_does_not_read_is_waited_for(connect: Open) -> None:
    read = asyncio.Event()

    async def handler(connection: ServerConnection) -> None:
        await read.wait()
        async for _ in connection:
            pass

    async def fill(socket: Socket) -> None:
        for _ in range(400):
            await socket.send(b"x" * 100_000)

    async with serving(handler) as where:
        socket = await connect(where, None)
        filling = asyncio.create_task(fill(socket))
        done, _ = await asyncio.wait([filling], timeout=0.2)
        assert not done
        read.set()
        await filling
        await socket.close()


async def test_who_does_not_take_messages_makes_the_peer_wait() -> None:
    sent = 0

    async def handler(connection: ServerConnection) -> None:
        nonlocal sent
        for _ in range(400):
            await connection.send("x" * 100_000)
            sent += 1

    async with serving(handler) as where:
        socket = await open_direct(where)
        await socket.receive()
        await asyncio.wait([asyncio.create_task(asyncio.Event().wait())], timeout=0.2)
        held = sent
        for _ in range(399):
            await socket.receive()
        await socket.close()

    assert held < 200


async def test_pings_are_answered_and_asked() -> None:
    answered: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    async def handler(connection: ServerConnection) -> None:
        answered.set_result(await (await connection.ping(b"there?")))
        await connection.wait_closed()

    async with serving(handler) as where:
        socket = await open_direct(where, pulse=Pulse(0.01, 5.0))
        assert await answered < 5
        await until(lambda: socket.answered >= 3)
        await socket.close()


async def test_a_peer_that_answers_no_ping_is_given_up() -> None:
    pong_to_nothing = b"\x8a\x04here"
    async with saying(lambda key: accepting(key) + pong_to_nothing) as where:
        closed = await end_of(await open_direct(where, pulse=Pulse(0.02, 0.1)))

    assert (closed.code, closed.why) == (1006, "it does not answer pings")


async def test_a_peer_that_does_not_close_is_left_alone() -> None:
    async with saying(accepting) as where:
        socket = await open_direct(where)
        async with asyncio.timeout(20):
            await socket.close()
            await socket.close()


async def test_a_unix_socket_leads_there(tmp_path: Path) -> None:
    async with asyncio.timeout(20), unix_serve(echo, str(tmp_path / "s")):
        socket = await open_websocket(endpoint(f"unix:{tmp_path}/s"))
        await socket.send(b"hello")
        assert await socket.receive() == "hello"
        await socket.close()


async def test_tls_is_held_to_the_name(tmp_path: Path) -> None:
    folder = self_signed("localhost", tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    ca_file = folder / "cert.pem"
    async with asyncio.timeout(20), serve(echo, "127.0.0.1", 0, ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        socket = await open_websocket(endpoint(f"wss://localhost:{port}", ca_file=ca_file))
        await socket.send(b"x" * 100_000)
        assert await socket.receive() == "x" * 100_000
        await socket.close()
        with pytest.raises(DialFailed, match="certificate is not trusted"):
            await open_websocket(endpoint(f"wss://127.0.0.1:{port}", ca_file=ca_file))
        with pytest.raises(DialFailed, match="certificate is not trusted"):
            await open_websocket(endpoint(f"wss://localhost:{port}"))


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("SSH-2.0-OpenSSH_9.2\r\n", "not HTTP"),
        ("HTTP/1.1 yes\r\n\r\n", "not HTTP"),
        ("HTTP/1.1 200 OK\r\nno header\r\n\r\n", "headers"),
        ("HTTP/1.1 200 OK\r\n" + "".join(f"h{n}: x\r\n" for n in range(200)) + "\r\n", "headers"),
        ("HTTP/1.1 200 OK\r\nh: " + "x" * 70_000, "not HTTP"),
        (f"{UPGRADE}\r\n", "answers another request"),
        (f"{UPGRADE}Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n", "another request"),
        ("HTTP/1.1 101 Fine\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", "something else"),
        ("HTTP/1.1 101 Fine\r\nUpgrade: websocket\r\n\r\n", "something else"),
        ("HTTP/1.1 204 No Content\r\n\r\n", "HTTP 204"),
        ("HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno", "token is missing or wrong"),
        (
            (
                "HTTP/1.1 429 Slow\r\nTransfer-Encoding: chunked\r\n\r\n24\r\n"
                '{"error":{"message":"you have nine"}}\r\n0\r\n\r\n'
            ),
            "you have nine",
        ),
    ],
)
async def test_what_is_no_upgrade_is_told_at_once(answer: str, why: str) -> None:
    async with saying(lambda _: answer.encode()) as where:
        with pytest.raises(DialFailed, match=why):
            await open_direct(where)


@pytest.mark.parametrize("cut", [0, 3, 12, len(UPGRADE) - 1])
async def test_an_answer_that_breaks_off_is_asked_for_again(cut: int) -> None:
    async with saying(lambda _: UPGRADE[:cut].encode(), hangs_up=True) as where:
        with pytest.raises(DialFailed, match="closed before an answer") as failed:
            await open_direct(where)

    assert failed.value.hope == "soon"


async def test_what_was_not_offered_is_refused() -> None:
    async with saying(lambda key: accepting(key, "Sec-WebSocket-Extensions: x")) as where:
        with pytest.raises(DialFailed, match="was not offered"):
            await open_direct(where)


async def test_what_comes_with_the_answer_is_not_lost() -> None:
    async with saying(lambda key: accepting(key) + b"\x81\x03one\x81\x03two") as where:
        socket = await open_direct(where)
        assert [await socket.receive(), await socket.receive()] == ["one", "two"]
        await socket.close()


def test_the_proof_is_that_of_the_rfc() -> None:
    assert proof("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parametrize(
    ("name", "address", "proxied"),
    [
        ("https_proxy", "wss://m.example", True),
        ("ALL_PROXY", "wss://m.example", True),
        ("no_proxy", "wss://m.example", False),
        ("https_proxy", "wss://localhost", False),
        ("https_proxy", "unix:/s", False),
    ],
)
def test_a_proxy_has_a_say_only_where_one_is_named(
    name: str, address: str, proxied: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for known in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(known, raising=False)
        monkeypatch.delenv(known.upper(), raising=False)
    monkeypatch.setenv(name, "http://127.0.0.1:1")

    assert is_proxied(endpoint(address)) is proxied
