"""A stream under load: read seldom, in larger pieces, its beginning and its end without delay."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from maestro.llm.connection import MAX_UNREAD, UNPACED_READS, Connection
from maestro.llm.pacing import BEAT, Pacing

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"


class HandPacing(Pacing):
    """Rings when the test does; until then it is never time."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Callable[[], None]] = []

    def interval(self) -> float:
        return 1e6

    def at(self, when: float, call: Callable[[], None]) -> None:
        assert when > 1e5
        self.calls.append(call)

    def ring(self) -> None:
        calls, self.calls = self.calls, []
        for call in calls:
            call()


class CountingConnection(Connection):
    def __init__(self) -> None:
        super().__init__()
        self.received = 0
        self.has_more = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self.received += len(data)
        self.has_more.set()

    async def until(self, received: int) -> None:
        while self.received < received:
            self.has_more.clear()
            await self.has_more.wait()


@dataclass
class Stage:
    connection: CountingConnection
    provider: asyncio.StreamWriter
    pacing: HandPacing

    async def say(self, *sent: bytes) -> None:
        """Write to the socket, and wait until our end has it."""
        wanted = self.connection.received + sum(map(len, sent))
        for each in sent:
            self.provider.write(each)
            await self.provider.drain()
        await self.connection.until(wanted)

    async def open(self) -> None:
        """Past the pieces that are handed out as they come."""
        for _ in range(UNPACED_READS + 1):
            await self.say(chunk(b"first"))
            assert await self.connection.read() == b"first"


def chunk(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(body), body)


@asynccontextmanager
async def streaming(head: bytes = HEAD) -> AsyncGenerator[Stage]:
    """A connection whose answer has begun and is paced."""
    accepted: asyncio.Future[asyncio.StreamWriter] = asyncio.get_running_loop().create_future()
    server = await asyncio.start_server(lambda _, writer: accepted.set_result(writer), "127.0.0.1")
    host, port = server.sockets[0].getsockname()
    _, connection = await asyncio.get_running_loop().create_connection(
        CountingConnection, host, port
    )
    async with asyncio.timeout(20):
        stage = Stage(connection, await accepted, HandPacing())
        connection.ask(b"POST / HTTP/1.1\r\n\r\n")
        await stage.say(head)
        await connection.head()
        connection.pace(stage.pacing)
        yield stage
    connection.close()
    stage.provider.close()
    server.close()


async def test_the_first_pieces_are_handed_out_as_they_come() -> None:
    async with streaming() as stage:
        await stage.open()

        assert stage.pacing.calls == []


async def test_later_ones_wait_for_their_beat_and_come_as_one() -> None:
    async with streaming() as stage:
        await stage.open()
        reading = asyncio.create_task(stage.connection.read())
        await stage.say(chunk(b"one "), chunk(b"two "), chunk(b"three"))
        assert not reading.done()
        assert len(stage.pacing.calls) == 1

        stage.pacing.ring()

        assert await reading == b"one two three"


@pytest.mark.parametrize("last", [chunk(b"data: [DONE]\n\n"), END])
async def test_what_may_be_the_end_brings_what_waits_with_it_at_once(last: bytes) -> None:
    async with streaming() as stage:
        await stage.open()
        reading = asyncio.create_task(stage.connection.read())
        await stage.say(chunk(b"words "), last)

        assert (await reading).startswith(b"words ")


async def test_a_cut_stream_is_told_at_once_behind_what_had_come() -> None:
    async with streaming() as stage:
        await stage.open()
        reading = asyncio.create_task(stage.connection.read())
        await stage.say(chunk(b"half of"), b"ff\r\na sentence")
        stage.provider.close()

        assert await reading == b"half ofa sentence"
        with pytest.raises(ConnectionResetError):
            await stage.connection.read()


async def test_what_is_no_http_behind_a_beat_ends_the_stream() -> None:
    async with streaming() as stage:
        await stage.open()
        reading = asyncio.create_task(stage.connection.read())
        await stage.say(b"this is no chunk\r\n")

        stage.pacing.ring()

        with pytest.raises(ConnectionError, match="this is not HTTP"):
            await reading


async def test_a_flood_that_nobody_reads_is_bounded_and_comes_whole() -> None:
    flood = b"".join(chunk(bytes(60_000)) for _ in range(400))
    async with streaming() as stage:
        await stage.open()
        connection, before = stage.connection, stage.connection.received
        stage.provider.write(flood)
        await connection.until(before + MAX_UNREAD)
        for _ in range(500):  # turns of the loop in which all of it would come
            await asyncio.sleep(0)
        unread = connection.received - before
        stage.provider.write(END)
        read = 0
        while piece := await connection.read():
            read += len(piece)

    assert unread < 4 * MAX_UNREAD
    assert read == 400 * 60_000


async def test_a_body_that_ends_with_its_connection_comes_whole() -> None:
    async with streaming(b"HTTP/1.1 200 OK\r\n\r\n") as stage:
        for _ in range(UNPACED_READS + 1):
            await stage.say(b"first")
            assert await stage.connection.read() == b"first"
        await stage.say(b"and ", b"last")
        stage.provider.close()

        assert [await stage.connection.read() for _ in range(2)] == [b"and last", b""]


async def test_bytes_behind_the_end_of_a_paced_answer_spoil_the_connection() -> None:
    async with streaming() as stage:
        await stage.open()
        await stage.say(END)
        assert await stage.connection.read() == b""
        assert stage.connection.may_be_kept()

        await stage.say(b"more")

        assert not stage.connection.may_be_kept()


async def test_the_next_answer_on_the_connection_waits_for_no_beat_of_the_one_before() -> None:
    async with streaming() as stage:
        await stage.open()
        await stage.say(chunk(b"waits"), END)
        assert await stage.connection.read() == b"waits"
        assert await stage.connection.read() == b""
        stage.connection.ask(b"POST / HTTP/1.1\r\n\r\n")
        await stage.say(HEAD, chunk(b"at once"))

        assert await stage.connection.read() == b"at once"


async def test_calls_of_one_beat_come_in_one_turn_and_in_order() -> None:
    pacing, rung, done = Pacing(), list[int](), asyncio.Event()
    now = asyncio.get_running_loop().time()
    beat = int(now / BEAT) + 5
    async with asyncio.timeout(20):
        pacing.at((beat + 1.5) * BEAT, lambda: (rung.append(3), done.set())[0])
        pacing.at((beat + 0.9) * BEAT, lambda: rung.append(1))
        pacing.at((beat + 0.1) * BEAT, lambda: rung.append(2))
        await done.wait()

    assert rung == [1, 2, 3]
    assert asyncio.get_running_loop().time() - now >= 4 * BEAT


def test_the_more_streams_the_longer_the_interval_up_to_eighty_milliseconds() -> None:
    pacing = Pacing()
    intervals: list[float] = []
    for pacing.streams in (1, 100, 200, 500, 5000):
        intervals.append(round(pacing.interval(), 3))

    assert intervals == [0.02, 0.04, 0.08, 0.08, 0.08]
