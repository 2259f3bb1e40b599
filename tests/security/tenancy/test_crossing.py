"""The reply to a cancelled call is nobody else's."""

import asyncio
from pathlib import Path

from maestro.bus.redis_writer import RedisWriter
from maestro.ledger.postgres import migrate, open_postgres
from maestro.ledger.sqlite import open_sqlite
from tests.requirements import covers
from tests.security.tenancy.crossing import asking_ledger, asking_redis, crossed

PEOPLE = ("ada", "grace")
COUNT = 400


@covers("R-TENANT-2")
async def test_no_reply_of_sqlite_is_crossed(tmp_path: Path) -> None:
    async with asyncio.timeout(30):
        ledger = await open_sqlite(tmp_path / "ledger.db")
        assert await crossed(await asking_ledger(ledger, PEOPLE), PEOPLE, COUNT) == 0
        await ledger.close()


@covers("R-TENANT-2")
async def test_no_reply_of_postgresql_is_crossed(postgres_dsn: str) -> None:
    async with asyncio.timeout(30):
        await migrate(postgres_dsn)
        ledger = await open_postgres(postgres_dsn, pool_size=2)
        assert await crossed(await asking_ledger(ledger, PEOPLE), PEOPLE, COUNT) == 0
        await ledger.close()


@covers("R-TENANT-2")
async def test_no_reply_of_redis_is_crossed(redis_url: str) -> None:
    async with asyncio.timeout(30):
        writer = RedisWriter(redis_url)
        assert await crossed(asking_redis(writer), PEOPLE, COUNT) == 0
        await writer.close()


async def test_a_crossed_reply_would_be_seen() -> None:
    async def always_adas(_person: str) -> str:
        await asyncio.sleep(0)
        return "ada"

    assert await crossed(always_adas, PEOPLE, 80) == 40
