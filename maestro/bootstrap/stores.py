"""Open what keeps a session: the ledger and the bus that the settings name.

Opens and closes; what they do is their own business.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from maestro.errors import SettingsError
from maestro.ports import UNLIMITED, Bus, Limits, Quotas
from maestro.settings import Backends, Settings

if TYPE_CHECKING:
    from maestro.ledger.ledger import SqlLedger

SQLITE = "sqlite:///"


@asynccontextmanager
async def open_ledger(backends: Backends) -> "AsyncGenerator[SqlLedger]":
    """The ledger, with its `accounts`, closed at the end.

    SQLite brings its own schema up to date; PostgreSQL wants `maestro migrate` and says so.
    """
    url = backends.database_url
    if url is None or url.startswith(SQLITE):
        from maestro.ledger.sqlite import open_sqlite

        ledger = await open_sqlite(_sqlite_path(backends))
    else:
        from maestro.ledger.postgres import open_postgres

        ledger = await open_postgres(url)
    try:
        yield ledger
    finally:
        await ledger.close()


async def migrate_ledger(backends: Backends) -> int:
    """Bring the schema up to date; the version that it has then."""
    url = backends.database_url
    if url is None or url.startswith(SQLITE):
        from maestro.ledger.queries import read_migrations

        async with open_ledger(backends):
            return read_migrations("sqlite")[-1].number
    from maestro.ledger.postgres import migrate

    return await migrate(url)


@asynccontextmanager
async def open_bus(redis_url: str | None) -> AsyncGenerator[Bus]:
    """The bus, closed at the end; a Redis that is away does not keep it from opening."""
    bus: Bus
    if redis_url is None:
        from maestro.bus.memory import MemoryBus

        bus = MemoryBus()
    else:
        from maestro.bus.redis_streams import RedisBus

        try:
            bus = RedisBus(redis_url)
        except ValueError:  # its words may hold the password
            raise SettingsError("redis_url: this is not a Redis address") from None
    try:
        yield bus
    finally:
        await bus.close()


@asynccontextmanager
async def open_limits(settings: Settings) -> AsyncGenerator[Limits]:
    """What counts people's sockets, sessions and bytes, closed at the end."""
    person, url = settings.bounds, settings.backends.redis_url
    quotas = Quotas(person.sockets, person.sessions, person.bytes, person.failures, person.requests)
    limits: Limits
    if url is None or quotas == UNLIMITED:
        from maestro.bus.memory_limits import MemoryLimits

        limits = MemoryLimits(quotas)
    else:
        from maestro.bus.redis_limits import RedisLimits

        limits = RedisLimits(url, quotas)
    try:
        yield limits
    finally:
        await limits.close()


def _sqlite_path(backends: Backends) -> Path:
    url = backends.database_url
    return Path(url.removeprefix(SQLITE)) if url else backends.database_path
