"""Where a ledger can live, with what a test does behind its back.

Holds no test.
"""

import sqlite3
from pathlib import Path
from typing import Any, Protocol

import asyncpg

from maestro.ledger.database import Database
from maestro.ledger.ledger import SqlLedger
from maestro.ledger.postgres import PostgresDatabase, migrate, open_postgres
from maestro.ledger.sqlite import SqliteDatabase, open_sqlite


class Place(Protocol):
    async def open(self) -> SqlLedger:
        """A ledger of one more process on the same data."""
        ...

    async def database(self) -> Database:
        """What is beneath such a ledger."""
        ...

    async def execute(self, sql: str) -> list[tuple[Any, ...]]:
        """Any statement, past the ledger."""
        ...


class SqlitePlace:
    def __init__(self, path: Path) -> None:
        self.path = path

    async def open(self) -> SqlLedger:
        return await open_sqlite(self.path)

    async def database(self) -> Database:
        return await SqliteDatabase.open(self.path)

    async def execute(self, sql: str) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(self.path, isolation_level=None)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()


class PostgresPlace:
    def __init__(self, dsn: str) -> None:
        self.dsn = dsn

    async def open(self) -> SqlLedger:
        await migrate(self.dsn)
        return await open_postgres(self.dsn)

    async def database(self) -> Database:
        return await PostgresDatabase.open(self.dsn, pool_size=2)

    async def execute(self, sql: str) -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(self.dsn)
        try:
            return [tuple(row.values()) for row in await connection.fetch(sql)]
        finally:
            await connection.close()


_ELAPSE = """UPDATE sessions SET
    seen_at = seen_at - SECONDS, due_at = due_at - SECONDS, lease_until = lease_until - SECONDS"""


async def elapse(place: Place, seconds: float) -> None:
    """Let every session live as if `seconds` had gone by."""
    await place.execute(_ELAPSE.replace("SECONDS", str(seconds)))
