"""What only the Redis bus has: keys, outages, batches, holes."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from maestro.bus.redis_connection import RedisConnection
from maestro.bus.redis_reader import SLICE, STREAM_LENGTH
from maestro.bus.redis_streams import EXPIRY_SECONDS, RedisBus, key
from maestro.bus.redis_writer import RedisWriter, Write
from maestro.domain.events import StoredEvent, ToolAnswered
from maestro.errors import BusUnavailable
from maestro.ports import HeadMoved, Live, Overflowed
from protocol.from_maestro import AgentMessageDelta
from tests.servers.redis_server import RedisServer

DELTA = Live(AgentMessageDelta("1-1-1", "x"))


async def publish_for_ever(bus: RedisBus) -> None:
    """Until cancelled: the writer drops what it is given while it believes Redis to be away."""
    for head in itertools.count(2):
        await bus.publish("s1", HeadMoved(head))
        await asyncio.sleep(0.02)


@pytest.fixture
async def raw(redis_url: str) -> AsyncIterator[RedisConnection]:
    connection = RedisConnection(redis_url)
    yield connection
    await connection.close()


async def test_streams_are_bounded_and_expire_an_hour_after_the_last_write(
    redis_url: str, raw: RedisConnection
) -> None:
    bus = RedisBus(redis_url)
    async with asyncio.timeout(20), bus.subscribe("s1") as subscription:
        nudges = aiter(subscription)
        for head in range(1, 1001):
            await bus.publish("s1", HeadMoved(head))
            if head % 100 == 0:
                while await anext(nudges) != HeadMoved(head):
                    pass
    stream = key("codegen", "events", "s1")
    length, lives = await raw.call([("XLEN", stream), ("TTL", stream)], seconds=5)
    await bus.close()

    assert STREAM_LENGTH <= length < STREAM_LENGTH + 200
    assert EXPIRY_SECONDS - 5 <= lives <= EXPIRY_SECONDS


@pytest.mark.parametrize("name", ["", "a:b", "../x", "a" * 65, "é", "a\n"])
def test_a_name_that_could_reach_another_key_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        key("codegen", "events", name)


async def test_without_redis_everything_is_dropped_counted_and_nothing_blocks(
    tmp_path: Path,
) -> None:
    bus = RedisBus(f"unix://{tmp_path}/nobody.sock")
    async with asyncio.timeout(2):
        async with bus.subscribe("s1") as subscription:
            assert await anext(aiter(subscription)) == Overflowed()
            await bus.publish("s1", DELTA)
            await bus.publish("s1", HeadMoved(1))
            await bus.nudge_work("s1")
        with pytest.raises(BusUnavailable, match="Redis is away"):
            await bus.check()
        await bus.close()

    # The subscription's own two entries count as nudges too.
    assert bus.dropped == {"live": 1, "nudge": 4}


async def test_after_an_outage_subscribers_overflow_and_hear_again(
    own_server: RedisServer,
) -> None:
    bus = RedisBus(own_server.url)
    async with asyncio.timeout(10), bus.subscribe("s1") as subscription:
        nudges = aiter(subscription)
        await bus.publish("s1", HeadMoved(1))
        assert await anext(nudges) == HeadMoved(1)
        own_server.kill()
        own_server.start()

        assert await anext(nudges) == Overflowed()
        publishing = asyncio.create_task(publish_for_ever(bus))
        assert isinstance(await anext(nudges), HeadMoved)
        publishing.cancel()
    await bus.close()


async def test_work_goes_on_after_redis_forgot_everything(own_server: RedisServer) -> None:
    bus = RedisBus(own_server.url)
    async with asyncio.timeout(10):
        work = bus.work()
        await bus.nudge_work("before")
        assert await anext(work) == "before"
        own_server.flush()
        await bus.nudge_work("after")
        assert await anext(work) == "after"
    await bus.close()


async def test_an_entry_that_cannot_be_read_is_an_overflow(
    redis_url: str, raw: RedisConnection
) -> None:
    bus = RedisBus(redis_url)
    async with asyncio.timeout(20), bus.subscribe("s1") as subscription:
        stream = key("codegen", "events", "s1")
        await raw.call([("XADD", stream, "*", "n", b'{"type":"newer"}')], seconds=5)
        await bus.publish("s1", HeadMoved(2))
        nudges = aiter(subscription)

        assert [await anext(nudges), await anext(nudges)] == [Overflowed(), HeadMoved(2)]
    await bus.close()


async def test_more_than_a_stream_keeps_is_a_hole(redis_url: str, raw: RedisConnection) -> None:
    bus = RedisBus(redis_url)
    async with asyncio.timeout(20), bus.subscribe("s1") as subscription:
        stream = key("codegen", "events", "s1")
        entry = ("XADD", stream, "*", "n", b'{"type":"head","head":1}')
        # One transaction: the blocked read gets them all at once.
        await raw.call([("MULTI",), *[entry] * STREAM_LENGTH, ("EXEC",)], seconds=5)
        nudges = aiter(subscription)
        assert await anext(nudges) == Overflowed()
        await bus.publish("s1", HeadMoved(2))

        assert await anext(nudges) == HeadMoved(2)
    await bus.close()


async def test_rows_that_are_not_small_stay_in_the_ledger(redis_url: str) -> None:
    bus = RedisBus(redis_url)
    row = StoredEvent(1, "tool:t1", ToolAnswered("t1", "1-1-1", "success", "x" * 20_000), 1.0)
    async with asyncio.timeout(20), bus.subscribe("s1") as subscription:
        await bus.publish("s1", HeadMoved(1, (row,)))

        assert await anext(aiter(subscription)) == HeadMoved(1)
    await bus.close()


async def test_a_full_queue_drops_live_text_first(redis_url: str) -> None:
    bus = RedisBus(redis_url)
    writer = RedisWriter(redis_url, capacity=10)
    for number in range(10):
        writer.put(Write(("PING",), "live" if number % 2 else "nudge"))
    writer.put(Write(("PING",)))
    assert writer.dropped == {"live": 5}
    for _ in range(4):
        writer.put(Write(("PING",)))
    writer.put(Write(("PING",)))
    writer.put(Write(("PING",), "live"))

    assert writer.dropped == {"live": 6, "nudge": 1}
    await writer.close()
    await bus.close()


async def test_live_text_waits_for_more_of_it_and_a_nudge_takes_it_along(
    redis_url: str, raw: RedisConnection
) -> None:
    writer = RedisWriter(redis_url, live_seconds=1e6)
    async with asyncio.timeout(20):
        assert await writer.ask(("PING",)) == b"PONG"
        writer.put(Write(("RPUSH", "said", "one"), "live"))
        writer.put(Write(("RPUSH", "said", "two"), "live"))
        for _ in range(20):
            assert await raw.call([("LLEN", "said")], seconds=5) == [0]

        assert await writer.ask(("RPUSH", "said", "three")) == 3

    assert await raw.call([("LRANGE", "said", 0, -1)], seconds=5) == [[b"one", b"two", b"three"]]
    await writer.close()


async def test_live_text_alone_is_sent_after_a_moment(redis_url: str, raw: RedisConnection) -> None:
    writer = RedisWriter(redis_url)
    async with asyncio.timeout(20):
        assert await writer.ask(("PING",)) == b"PONG"
        writer.put(Write(("RPUSH", "said", "one"), "live"))
        assert await raw.call([("BLPOP", "said", 4)], seconds=5) == [[b"said", b"one"]]
    await writer.close()


async def test_an_answer_of_many_streams_lets_others_have_their_turn(redis_url: str) -> None:
    bus, sessions = RedisBus(redis_url), [f"s{number}" for number in range(4 * SLICE)]
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async def first(session_id: str) -> int:
        async with bus.subscribe(session_id) as subscription:
            joined.release()
            await anext(aiter(subscription))
            return turns

    joined = asyncio.Semaphore(0)
    async with asyncio.timeout(20):
        waiting = [asyncio.create_task(first(session_id)) for session_id in sessions]
        for _ in sessions:
            await joined.acquire()
        for session_id in sessions:
            await bus.publish(session_id, HeadMoved(1))
        busy = asyncio.create_task(others())
        heard_at = [await each for each in waiting]
        busy.cancel()
    await bus.close()

    assert len(set(heard_at)) >= 3


async def test_a_cancelled_call_never_leaves_its_reply_to_the_next(redis_url: str) -> None:
    writer = RedisWriter(redis_url)
    connection = RedisConnection(redis_url)
    async with asyncio.timeout(20):
        for number in range(500):
            for cancelled in (
                asyncio.create_task(writer.ask(("ECHO", f"lost-{number}"))),
                asyncio.create_task(connection.call([("ECHO", f"lost-{number}")], seconds=5)),
            ):
                for _ in range(number % 7):
                    await asyncio.sleep(0)
                cancelled.cancel()
                await asyncio.gather(cancelled, return_exceptions=True)
            assert await writer.ask(("ECHO", f"kept-{number}")) == f"kept-{number}".encode()
            kept = await connection.call([("ECHO", f"own-{number}")], seconds=5)
            assert kept == [f"own-{number}".encode()]
    await writer.close()
    await connection.close()


async def test_a_stalled_redis_costs_a_bounded_time(redis_url: str, raw: RedisConnection) -> None:
    bus = RedisBus(redis_url)
    await raw.call([("CLIENT", "PAUSE", 2200, "ALL")], seconds=5)
    async with asyncio.timeout(3), bus.subscribe("s1") as subscription:
        await bus.publish("s1", HeadMoved(1))
        assert await anext(aiter(subscription)) == Overflowed()
    await bus.close()
    await raw.call([("PING",)], seconds=5)
