"""What every bus promises, held by each of them."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from maestro.bus.memory import MemoryBus
from maestro.bus.redis_streams import RedisBus
from maestro.domain.events import ExecutorLost, StoredEvent, ToolAsked
from maestro.ports import Bus, HeadMoved, Live, Nudge, Overflowed, Subscription
from protocol.from_executor import ToolOutputDelta
from protocol.from_maestro import AgentMessageDelta, AgentReasoningDelta, StatusChanged
from tests.requirements import covers

ROW = StoredEvent(7, "lost:1", ExecutorLost(1), 12.5)


@pytest.fixture(params=["memory", "redis"])
async def bus(request: pytest.FixtureRequest) -> AsyncIterator[Bus]:
    if request.param == "memory":
        made: Bus = MemoryBus()
    else:
        made = RedisBus(request.getfixturevalue("redis_url"))
    yield made
    await made.close()


async def take(subscription: Subscription, count: int) -> list[Nudge]:
    nudges = aiter(subscription)
    return [await anext(nudges) for _ in range(count)]


@covers("R-BUS-1")
async def test_what_is_published_reaches_each_subscriber_in_order_and_whole(bus: Bus) -> None:
    asked = ToolAsked("t1", "1-1-1", "Shell", {"n": 10**19, "text": "é\x00"}, bound_to="j")
    nudges = [
        HeadMoved(7, (ROW,)),
        HeadMoved(8, (StoredEvent(8, "decision:1", asked, 13.0),)),
        Live(AgentMessageDelta("1-1-1", "Hel", 0)),
        Live(AgentReasoningDelta("1-1-1", "hm", 1)),
        Live(StatusChanged("running", 10, "Shell")),
        Live(ToolOutputDelta("t1", 3, "stderr", "out")),
        HeadMoved(9),
    ]
    async with asyncio.timeout(20), bus.subscribe("s1") as one, bus.subscribe("s1") as two:
        for nudge in nudges:
            await bus.publish("s1", nudge)

        assert await take(one, len(nudges)) == nudges
        assert await take(two, len(nudges)) == nudges


async def test_a_subscriber_hears_of_its_own_session_only_and_from_then_on(bus: Bus) -> None:
    async with asyncio.timeout(20):
        await bus.publish("s1", HeadMoved(1))
        async with bus.subscribe("s1") as subscription:
            await bus.publish("s2", HeadMoved(2))
            await bus.publish("s1", HeadMoved(3))

            assert await take(subscription, 1) == [HeadMoved(3)]


async def test_a_later_subscription_is_taken_up_while_another_is_read(bus: Bus) -> None:
    async with asyncio.timeout(4), bus.subscribe("s1") as one:
        waiting = asyncio.create_task(take(one, 1))
        async with bus.subscribe("s2") as two:
            await bus.publish("s2", HeadMoved(2))
            assert await take(two, 1) == [HeadMoved(2)]
        await bus.publish("s1", HeadMoved(1))
        assert await waiting == [HeadMoved(1)]


async def test_a_slow_subscriber_overflows_once_and_goes_on_from_there(bus: Bus) -> None:
    async with asyncio.timeout(20), bus.subscribe("s1") as slow, bus.subscribe("s1") as other:
        others = aiter(other)
        for head in range(1, 401):
            await bus.publish("s1", HeadMoved(head))
            if head % 50 == 0:
                while await anext(others) != HeadMoved(head):
                    pass

        assert (await take(slow, 1)) == [Overflowed()]
        rest = await take(slow, 144)
        assert rest == [HeadMoved(head) for head in range(257, 401)]


async def test_a_poll_wakes_a_subscriber_as_if_published(bus: Bus) -> None:
    async with asyncio.timeout(20), bus.subscribe("s1") as subscription:
        subscription.wake(5)

        assert await take(subscription, 1) == [HeadMoved(5)]


@covers("R-BUS-2")
async def test_a_cancelled_read_loses_nothing(bus: Bus) -> None:
    async with asyncio.timeout(20), bus.subscribe("s1") as subscription:
        reading = asyncio.create_task(take(subscription, 1))
        await asyncio.sleep(0)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await bus.publish("s1", HeadMoved(1))

        assert await take(subscription, 1) == [HeadMoved(1)]


async def test_each_work_nudge_goes_to_one_worker(bus: Bus) -> None:
    taken: list[str] = []
    done = asyncio.Event()

    async def worker() -> None:
        async for session_id in bus.work():
            taken.append(session_id)
            if len(taken) == 20:
                done.set()

    async with asyncio.timeout(20):
        workers = [asyncio.create_task(worker()) for _ in range(3)]
        for number in range(20):
            await bus.nudge_work(f"s{number}")
        await done.wait()
        for each in workers:
            each.cancel()
        await asyncio.gather(*workers, return_exceptions=True)

    assert sorted(taken) == sorted(f"s{number}" for number in range(20))


async def test_work_that_was_nudged_before_a_worker_came_is_not_lost(bus: Bus) -> None:
    async with asyncio.timeout(20):
        await bus.nudge_work("early")
        work = bus.work()

        assert await anext(work) == "early"


async def test_it_can_serve(bus: Bus) -> None:
    await bus.check()
