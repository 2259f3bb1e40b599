"""The link against servers that are not what they should be, and against one that is."""

import asyncio
import logging
import socket
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, unix_serve

from executor.errors import ExecutorError, ServerRefused, ServerUnreachable
from executor.link import Endpoint, Link, Pace, endpoint
from executor.link.websocket import open_websocket
from protocol.errors import CloseCode, ErrorCode
from protocol.from_executor import Handshake, Interrupt
from protocol.from_maestro import AgentMessage, ErrorReported, FromMaestro, SessionStarted
from protocol.wire import Frame
from tests.executor.session.maestro import Attachment, scripted_maestro

HANDSHAKE = Handshake("cli", "do it", ("Shell",))
PATIENT = Pace(first=2.0, shortest=0.01, longest=0.05)
"""Looks again at once, and waits for an answer longer than a busy machine takes."""
BRIEF = Pace(first=0.5, open=0.3, answer=0.3, shortest=0.01, longest=0.05)
"""For servers that never answer."""


class Peer:
    """Shakes hands, and remembers."""

    def __init__(self) -> None:
        self.link: Link | None = None
        self.frames: asyncio.Queue[FromMaestro] = asyncio.Queue()
        self.losses: list[str] = []

    def opened(self) -> None:
        assert self.link is not None
        self.link.send(HANDSHAKE)

    def received(self, frame: Frame[FromMaestro]) -> None:
        self.frames.put_nowait(frame.message)

    def strayed(self, what: str) -> None:
        raise AssertionError(what)

    def lost(self, why: str) -> None:
        self.losses.append(why)


def linked(
    where: Endpoint, pace: Pace = PATIENT, **more: Callable[[], Awaitable[Endpoint]]
) -> Link:
    return Link(where, open_websocket, pace=pace, **more)


async def end_of(link: Link) -> ExecutorError:
    """Why the link gives up."""
    peer = Peer()
    peer.link = link
    with pytest.raises(ExecutorError) as caught:
        async with asyncio.timeout(20):
            await link.run(peer)
    return caught.value


@asynccontextmanager
async def running(link: Link) -> AsyncGenerator[Peer]:
    peer = Peer()
    peer.link = link
    task = asyncio.create_task(link.run(peer))
    try:
        async with asyncio.timeout(20):
            yield peer
    finally:
        await link.close()
        task.cancel()
        with suppress(asyncio.CancelledError, ExecutorError):
            await task


@asynccontextmanager
async def answering(answer: bytes) -> AsyncGenerator[tuple[str, list[bytes]]]:
    """A server that says the same to everyone; gives its address and what it was told."""
    requests: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            requests.append(await reader.read(65536))
            writer.write(answer)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", requests


def http(status: str, *headers: str, body: str = "") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", body]).encode()


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (http("401 Unauthorized"), ServerRefused, "token is missing or wrong"),
        (http("403 Forbidden"), ServerRefused, "refuses this client"),
        (http("404 Not Found"), ServerUnreachable, "no maestro at this path"),
        (http("200 OK", "Content-Type: text/html; charset=utf-8", body="<p>"), ServerUnreachable,
         "a web page answers"),
        (http("503 Service Unavailable"), ServerUnreachable, "can't serve now"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", ServerUnreachable, "not a maestro"),
    ],
)  # fmt: skip
async def test_a_server_that_is_no_maestro_is_named_in_one_line(
    answer: bytes, kind: type[ExecutorError], words: str
) -> None:
    async with answering(answer) as (address, _):
        error = await end_of(linked(endpoint(address, "sk-test-0000")))

    assert type(error) is kind
    assert words in str(error)
    assert str(error).startswith(f"{address}: ")
    assert "\n" not in str(error)
    assert "sk-test" not in str(error)


LIMITED = '{"error":{"code":"rate_limited","message":"you have 9 connections"}}'


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            http("429 Too Many Requests", "Retry-After: 40", body=LIMITED),
            "it can't serve now: you have 9 connections; again in 40 s (HTTP 429)",
        ),
        (
            http("429 Too Many Requests", "Retry-After: never", body="<p>"),
            "it can't serve now: too many requests (HTTP 429)",
        ),
    ],
)
async def test_who_is_at_a_limit_is_told_which_and_when_to_come_back(
    answer: bytes, words: str
) -> None:
    async with answering(answer) as (address, requests):
        error = await end_of(linked(endpoint(address)))

    assert isinstance(error, ServerUnreachable)
    assert words in str(error)
    if "40 s" in words:
        assert len(requests) == 1  # no other attempt before the time it names


async def test_a_connection_ended_at_a_limit_comes_back_when_the_maestro_said() -> None:
    async with scripted_maestro() as maestro:
        pace = Pace(shortest=30.0, longest=30.0)
        async with running(linked(endpoint(maestro.address), pace)) as peer:
            socket = await maestro.attachment()
            await socket.next(Handshake)
            await socket.send(SessionStarted("s1", "r1"))
            assert isinstance(await peer.frames.get(), SessionStarted)
            limited = ErrorReported(
                ErrorCode.RATE_LIMITED, "you sent too much", retryable=True, retry_after=0.1
            )
            await socket.send(limited)
            assert await peer.frames.get() == limited
            await socket.close(CloseCode.TOO_MANY)

            again = await maestro.attachment()
            await again.next(Handshake)

        assert peer.losses == ["you sent too much; again in 0 s"]


def test_a_time_without_end_is_not_believed() -> None:
    assert 120 <= Pace().pause(0, retry_after=1e9) <= 150


async def test_a_redirect_gets_no_token() -> None:
    async with answering(http("200 OK")) as (elsewhere, requests):
        location = f"Location: {elsewhere}/ws/v1/connect"
        async with answering(http("302 Found", location)) as (address, _):
            error = await end_of(linked(endpoint(address, "sk-test-0000")))

    assert "it sends to another address" in str(error)
    assert requests == []


async def test_nobody_there_is_told_at_once() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"ws://127.0.0.1:{closed.getsockname()[1]}"
        began = time.monotonic()
        error = await end_of(linked(endpoint(address), Pace()))

    assert isinstance(error, ServerUnreachable)
    assert "connection refused" in str(error)
    assert time.monotonic() - began < Pace().first / 2


async def test_a_name_that_nobody_knows_is_told() -> None:
    error = await end_of(linked(Endpoint("wss://no-such-host.invalid/", "it"), Pace(open=4.0)))

    assert isinstance(error, ServerUnreachable)
    assert "DNS" in str(error) or "no answer" in str(error)


async def test_a_missing_socket_file_is_told(tmp_path: Path) -> None:
    error = await end_of(linked(endpoint(f"unix:{tmp_path}/none.sock")))

    assert str(error) == f"unix:{tmp_path}/none.sock: there is no such socket"


async def test_a_server_without_tls_is_told() -> None:
    async with answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as (address, _):
        error = await end_of(linked(endpoint(address.replace("ws://", "wss://"))))

    assert "no TLS connection" in str(error) or "closed before an answer" in str(error)


async def test_a_silent_server_is_told_in_time() -> None:
    left = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.read()
        writer.close()
        left.set()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        error = await end_of(linked(endpoint(f"ws://127.0.0.1:{port}"), BRIEF))
        async with asyncio.timeout(20):
            await left.wait()

    assert isinstance(error, ServerUnreachable)
    assert "no answer in time" in str(error)


async def test_a_websocket_that_answers_no_handshake_is_told_in_time() -> None:
    async with scripted_maestro() as maestro:
        error = await end_of(linked(endpoint(maestro.address), BRIEF))

    assert isinstance(error, ServerUnreachable)
    assert "does not answer the handshake" in str(error)


async def test_frames_go_both_ways_and_a_loss_is_mended(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with scripted_maestro() as maestro:
        link = linked(endpoint(maestro.address, "sk-test-0000"))
        async with running(link) as peer:
            first = await maestro.attachment()
            assert await first.start() == HANDSHAKE
            await peer.frames.get()
            assert link.attached
            first.socket.transport.abort()
            second = await maestro.attachment()
            await second.start(resumed=True)
            await second.send(AgentMessage("g", "hello"), seq=1)
            received = [await peer.frames.get(), await peer.frames.get()]
            link.send(Interrupt("stop"))

            assert received[1] == AgentMessage("g", "hello")
            assert await second.next(Interrupt) == Interrupt("stop")
            assert peer.losses == ["the connection broke"]
            assert second.authorization == "Bearer sk-test-0000"
    ours = [r for r in caplog.records if r.name.startswith("executor")]
    assert ours == []
    assert not link.attached


async def test_nothing_is_taken_for_sent_while_nobody_is_there() -> None:
    link = linked(endpoint("ws://127.0.0.1:1"))

    assert link.send(Interrupt()) is False


async def test_a_lost_maestro_is_looked_for_as_long_as_was_agreed() -> None:
    async with scripted_maestro() as maestro:
        pace = Pace(give_up=0.3, shortest=0.01, longest=0.05)
        link = linked(endpoint(maestro.address), pace)
        end = asyncio.create_task(end_of(link))
        socket = await maestro.attachment()
        await socket.start()
    error = await end

    assert isinstance(error, ServerUnreachable)
    assert "connection refused" in str(error)


async def test_a_private_maestro_is_started_again_before_the_next_attempt(tmp_path: Path) -> None:
    paths = [tmp_path / "one.sock", tmp_path / "two.sock"]
    sockets: asyncio.Queue[Attachment] = asyncio.Queue()
    revivals: list[Path] = []

    async def take(connection: ServerConnection) -> None:
        sockets.put_nowait(Attachment(connection))
        await connection.wait_closed()

    async def revive() -> Endpoint:
        revivals.append(paths[1])
        return endpoint(f"unix:{paths[1]}", "other-test-0000")

    async with unix_serve(take, str(paths[0])), unix_serve(take, str(paths[1])):
        link = linked(endpoint(f"unix:{paths[0]}", "token-test-0000"), revive=revive)
        async with running(link) as peer:
            first = await sockets.get()
            await first.start()
            await peer.frames.get()
            await first.close(1012)
            second = await sockets.get()
            await second.start(resumed=True)

            assert isinstance(await peer.frames.get(), SessionStarted)
            assert (first.authorization, second.authorization) == (
                "Bearer token-test-0000",
                "Bearer other-test-0000",
            )
            assert revivals == [paths[1]]


async def test_a_maestro_that_restarts_again_and_again_is_followed_without_a_pause() -> None:
    pace = Pace(shortest=30.0, longest=30.0, settled=1000.0, restarted=0.0)
    async with scripted_maestro() as maestro, running(linked(endpoint(maestro.address), pace)):
        for _ in range(6):
            socket = await maestro.attachment()
            await socket.start()
            await socket.close(1012)


async def test_a_peer_that_keeps_breaking_the_contract_is_left() -> None:
    async with scripted_maestro() as maestro:
        link = linked(endpoint(maestro.address), Pace(shortest=0.001, longest=0.002))
        end = asyncio.create_task(end_of(link))
        for _ in range(5):
            socket = await maestro.attachment()
            await socket.start()
            await socket.close(1009, "too large")
        error = await end

    assert isinstance(error, ServerRefused)
    assert "too large" in str(error)


async def test_a_proxy_of_the_environment_is_used_beyond_this_machine_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with answering(http("407 Proxy Authentication Required")) as (proxy, requests):
        monkeypatch.setenv("https_proxy", proxy.replace("ws://", "http://"))
        monkeypatch.setenv("no_proxy", "")
        error = await end_of(linked(endpoint("wss://maestro.invalid", "sk-test-0000")))
        monkeypatch.setenv("http_proxy", proxy.replace("ws://", "http://"))
        async with scripted_maestro() as maestro, running(linked(endpoint(maestro.address))):
            await (await maestro.attachment()).start()

    assert "the proxy refuses" in str(error)
    assert len(requests) == 1
    assert requests[0].startswith(b"CONNECT maestro.invalid:443 ")
    assert b"sk-test" not in requests[0]


def test_pauses_grow_to_a_bound_and_begin_below_a_second() -> None:
    pace = Pace()
    pauses = [max(pace.pause(attempt) for _ in range(50)) for attempt in range(12)]

    assert pauses[0] <= 0.5
    assert max(pauses) <= 2
    assert min(pace.pause(11) for _ in range(50)) >= 1


def test_a_maestro_that_has_too_much_to_do_is_asked_less_often() -> None:
    pauses = [Pace().pause(11, busy=True) for _ in range(50)]

    assert (min(pauses) >= 5, max(pauses) <= 10) == (True, True)
