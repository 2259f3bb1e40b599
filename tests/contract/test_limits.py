"""What every Limits promises, held by each of them; and Redis away, flushed, and shared."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from maestro.bus.memory_limits import MAX_COUNTERS, MemoryLimits
from maestro.bus.redis_limits import RedisLimits
from maestro.ports import UNLIMITED, Limited, Limits, Quotas
from tests.requirements import covers
from tests.servers.redis_server import RedisServer, find_valkey

QUOTAS = Quotas(sockets=2, sessions=3, bytes=1000, failures=5)
START = 1_800_000_030.0
"""Half a minute into a minute, and half an hour and a half minute into an hour."""


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "redis"])
async def make(
    request: pytest.FixtureRequest, clock: Clock
) -> AsyncIterator[Callable[[Quotas], Limits]]:
    made: list[Limits] = []

    def make(quotas: Quotas) -> Limits:
        if request.param == "memory":
            made.append(MemoryLimits(quotas, clock=clock))
        else:
            made.append(RedisLimits(request.getfixturevalue("redis_url"), quotas, clock=clock))
        return made[-1]

    yield make
    for limits in made:
        await limits.close()


@pytest.fixture
def limits(make: Callable[[Quotas], Limits]) -> Limits:
    return make(QUOTAS)


@covers("R-QUOTA-1")
async def test_what_is_spent_is_counted_to_the_bound_and_not_beyond(limits: Limits) -> None:
    answers = [await limits.spend("failures", "ada") for _ in range(6)]

    assert answers == [None] * 5 + [Limited("failures", 5, 30.0)]


async def test_a_large_amount_counts_as_much_as_many_small_ones(limits: Limits) -> None:
    assert await limits.spend("bytes", "ada", 1000) is None
    assert await limits.spend("bytes", "ada", 1) == Limited("bytes", 1000, 30.0)


async def test_a_look_counts_nothing(limits: Limits) -> None:
    for _ in range(4):
        assert await limits.spend("failures", "ada") is None
        assert await limits.look("failures", "ada") is None
    assert await limits.spend("failures", "ada") is None

    assert [await limits.look("failures", "ada") for _ in range(2)] == [
        Limited("failures", 5, 30.0)
    ] * 2


async def test_the_next_window_begins_with_nothing(limits: Limits, clock: Clock) -> None:
    await limits.spend("bytes", "ada", 5000)
    clock.now += 30.0

    assert await limits.spend("bytes", "ada") is None


@covers("R-QUOTA-2")
async def test_an_hours_bound_says_when_the_hour_is_over(limits: Limits) -> None:
    answers = [await limits.spend("sessions", "ada") for _ in range(4)]

    assert answers == [None] * 3 + [Limited("sessions", 3, 3600 - START % 3600)]


async def test_one_person_spends_nothing_of_another(limits: Limits) -> None:
    await limits.spend("sessions", "ada", 9)
    await limits.hold("ada", "one")
    await limits.hold("ada", "two")

    assert await limits.spend("sessions", "grace") is None
    assert await limits.hold("grace", "three") is None


async def test_sockets_are_held_until_they_are_let_go(limits: Limits) -> None:
    assert [await limits.hold("ada", name) for name in ("one", "two", "three")] == [
        None,
        None,
        Limited("sockets", 2, 10.0),
    ]

    await limits.let_go("ada", "one")

    assert await limits.hold("ada", "three") is None
    assert await limits.hold("ada", "three") is None  # asked again after an unknown outcome
    assert await limits.hold("ada", "four") == Limited("sockets", 2, 10.0)


async def test_a_socket_that_nobody_keeps_is_free_after_a_while(
    limits: Limits, clock: Clock
) -> None:
    await limits.hold("ada", "one")
    await limits.hold("ada", "two")
    clock.now += 30
    await limits.keep({"one": "ada"})
    clock.now += 30

    assert await limits.hold("ada", "three") is None
    assert await limits.hold("ada", "four") == Limited("sockets", 2, 10.0)


async def test_without_a_bound_nothing_is_limited(make: Callable[[Quotas], Limits]) -> None:
    limits = make(UNLIMITED)

    assert await limits.spend("bytes", "ada", 10**12) is None
    assert await limits.look("failures", "ada") is None
    assert [await limits.hold("ada", str(number)) for number in range(50)] == [None] * 50
    await limits.keep({"1": "ada"})
    await limits.let_go("ada", "1")


@covers("R-QUOTA-1")
async def test_two_maestros_count_together(redis_url: str, clock: Clock) -> None:
    one, two = (RedisLimits(redis_url, QUOTAS, clock=clock) for _ in range(2))

    spent = [await limits.spend("sessions", "ada", 2) for limits in (one, two)]
    held = await asyncio.gather(
        *((one, two)[number % 2].hold("ada", f"h{number}") for number in range(20))
    )

    assert spent == [None, Limited("sessions", 3, 3600 - START % 3600)]
    assert held.count(None) <= 2
    for limits in (one, two):
        await limits.close()


@covers("R-QUOTA-1")
async def test_while_redis_is_away_each_maestro_counts_for_itself(clock: Clock) -> None:
    binary = find_valkey()
    if binary is None:
        pytest.skip("no Redis here")
    with RedisServer.temporary(binary) as server:
        limits = RedisLimits(server.url, QUOTAS, clock=clock)
        assert await limits.hold("ada", "one") is None
        server.kill()

        async with asyncio.timeout(20):
            spent = [await limits.spend("failures", "ada") for _ in range(6)]
            looked = await limits.look("failures", "ada")
            held = [await limits.hold("ada", name) for name in ("two", "three")]
            await limits.keep({"one": "ada"})
            await limits.let_go("ada", "two")
            await limits.close()

    assert spent == [None] * 5 + [Limited("failures", 5, 30.0)]
    assert looked == Limited("failures", 5, 30.0)
    assert held == [None, Limited("sockets", 2, 10.0)]


async def test_what_one_process_remembers_is_bounded(clock: Clock) -> None:
    limits = MemoryLimits(QUOTAS, clock=clock)
    await limits.spend("failures", "first", 9)

    for number in range(MAX_COUNTERS):
        await limits.spend("failures", f"a{number}")

    assert await limits.look("failures", "first") is None


@pytest.mark.parametrize("who", ["", "a b", "a:b", "*", "a" * 65, "\n"])
async def test_a_name_that_could_be_anothers_key_is_none(redis_url: str, who: str) -> None:
    limits = RedisLimits(redis_url, QUOTAS)

    with pytest.raises(ValueError, match="not a name"):
        await limits.spend("bytes", who)
    await limits.close()
