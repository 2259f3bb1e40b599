"""The ledger in PostgreSQL: a bounded pool, one statement an append, bounded retries.

Knows connections and errors of asyncpg; what is written is decided elsewhere.
"""

import asyncio
import os
import random
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeAlias, TypeVar

import msgspec

from maestro.errors import LedgerUnavailable, SettingsError
from maestro.ledger.database import (
    LEASE_SECONDS,
    TRIES,
    Argument,
    Committed,
    Look,
    NewSession,
)
from maestro.ledger.draft import Change
from maestro.ledger.ledger import SqlLedger
from maestro.ledger.queries import read_migrations, read_queries
from maestro.ledger.rows import Before, Call, EventRow, Row, before, claim_of
from maestro.ports import Claimant

try:
    import asyncpg
    from asyncpg.pool import PoolConnectionProxy
except ImportError as error:
    raise SettingsError("PostgreSQL needs: pip install 'codegen-maestro[team]'") from error

CONNECT_SECONDS = 5.0
COMMAND_SECONDS = 10.0
"""Of one statement; also of waiting for a connection of the pool."""
MIGRATE_SECONDS = 300.0

_PAUSES = (0.05, 0.1, 0.2, 0.4)
"""Seconds between tries, each times 0.5 to 1."""

_READ_ONLY = "PostgreSQL: the server is read-only"
_MIGRATION_LOCK = 0x6D61657374726F  # "maestro"

# The statement may be made again: each one is idempotent, or finds the trace of its first try.
_PASSING = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InvalidCachedStatementError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)

# No outage: the statement itself is wrong, and trying again would hide it.
_BUGS = (
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.DataError,
    asyncpg.PostgresSyntaxError,
    asyncpg.UndefinedColumnError,
    asyncpg.UndefinedFunctionError,
    asyncpg.AmbiguousColumnError,
)

_Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
_Result = TypeVar("_Result")


async def open_postgres(dsn: str, *, pool_size: int = 8) -> SqlLedger:
    """The ledger at `dsn`; connects at the first use, so that `check` can say what is missing."""
    return SqlLedger(await PostgresDatabase.open(dsn, pool_size=pool_size))


async def migrate(dsn: str) -> int:
    """Bring the schema up and return its number. Of several at once one works, the others wait."""
    try:
        with _address():
            connection = await asyncpg.connect(
                dsn, timeout=CONNECT_SECONDS, command_timeout=MIGRATE_SECONDS
            )
        try:
            return await _migrate(connection)
        finally:
            await connection.close()
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise LedgerUnavailable(_reason(error)) from error


class PostgresDatabase:
    """Implements `maestro.ledger.database.Database`."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool
        self._queries = read_queries("postgres")
        change = self._queries["change"]
        self._change = f"{change}\n{self._queries['changed']}"
        self._change_and_claim = f"{change}\n{self._queries['claimed']}"
        self._newest = read_migrations("postgres")[-1].number

    @classmethod
    async def open(cls, dsn: str, *, pool_size: int) -> "PostgresDatabase":
        return cls(
            await asyncpg.create_pool(
                dsn,
                min_size=0,
                max_size=pool_size,
                timeout=CONNECT_SECONDS,
                command_timeout=COMMAND_SECONDS,
                reset=_keep,
                server_settings={"application_name": "maestro"},
            )
        )

    async def read(self, query: str, *arguments: Argument) -> Sequence[Row]:
        return await self._fetch(query, arguments)

    async def run(self, query: str, *arguments: Argument) -> Sequence[Row]:
        return await self._fetch(query, arguments)

    async def append(
        self, look: Look, plan: Callable[[Before], Change | _Result]
    ) -> Committed | _Result | None:
        for _ in range(TRIES):
            rows = await self._fetch("before", msgspec.structs.astuple(look))
            if not rows:
                return None
            planned = plan(before(rows[0]))
            if not isinstance(planned, Change):
                return planned
            committed = await self._commit(planned)
            if committed is not None:
                return committed
        raise LedgerUnavailable(f"session {look.session_id} was written by others {TRIES} times")

    async def commit(self, change: Change) -> Committed | None:
        try:
            return await self._commit(change)
        except asyncpg.UniqueViolationError:
            return None

    async def _commit(self, change: Change) -> Committed | None:
        query, parameters, claimant = self._change, _parameters(change), change.claimant
        if claimant is not None:
            query, parameters = self._change_and_claim, (*parameters, *_of_claim(claimant))

        async def work(connection: _Connection) -> Sequence[Row]:
            return await connection.fetch(query, *parameters)

        rows = await self._do(work)
        if not rows:
            return None
        claim = claimant and claim_of(change.session_id, claimant.worker, rows[0])
        return Committed(change, claim)

    async def create(self, session: NewSession, opening: Change) -> bool:
        async def work(connection: _Connection) -> bool:
            async with connection.transaction():
                made = await connection.fetch(
                    self._queries["create_session"], *msgspec.structs.astuple(session)
                )
                if made:
                    await connection.fetch(self._change, *_parameters(opening))
                return bool(made)

        return await self._do(work)

    async def copy(self, session: NewSession, source: str, to_seq: int) -> bool:
        made = await self._fetch(
            "copy_session", (*msgspec.structs.astuple(session), source, to_seq)
        )
        return bool(made)

    async def check(self) -> None:
        (state,) = await self._fetch("has_schema", ())
        number = (await self._fetch("schema", ()))[0]["number"] if state["made"] else 0
        if number < self._newest:
            raise LedgerUnavailable(
                f"the schema is at {number}, this version needs {self._newest}: "
                "run `maestro migrate`"
            )
        if state["read_only"]:
            raise LedgerUnavailable(_READ_ONLY)

    async def close(self) -> None:
        try:
            async with asyncio.timeout(COMMAND_SECONDS):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    async def _fetch(self, query: str, arguments: Sequence[Any]) -> Sequence[Row]:
        async def work(connection: _Connection) -> Sequence[Row]:
            return await connection.fetch(self._queries[query], *arguments)

        return await self._do(work)

    @asynccontextmanager
    async def _connection(self) -> AsyncGenerator[_Connection]:
        with _address():
            connection = await self._pool.acquire(timeout=COMMAND_SECONDS)
        try:
            yield connection
        finally:
            await self._pool.release(connection)

    async def _do(self, work: Callable[[_Connection], Awaitable[_Result]]) -> _Result:
        """`work`'s result, tried again after a passing failure."""
        for pause in (*_PAUSES, None):
            try:
                async with self._connection() as connection:
                    return await _worked(connection, work)
            except _BUGS:
                raise
            except TimeoutError as error:
                raise LedgerUnavailable("PostgreSQL: no answer in time") from error
            except _PASSING as error:
                if pause is None:
                    raise LedgerUnavailable(_reason(error)) from error
                await asyncio.sleep(pause * random.uniform(0.5, 1))
            except asyncpg.PostgresError as error:
                raise LedgerUnavailable(_reason(error)) from error
        raise AssertionError("the last try returns or raises")


async def _worked(
    connection: _Connection, work: Callable[[_Connection], Awaitable[_Result]]
) -> _Result:
    """`work`'s result; a connection that lost track of its server is not used again.

    The driver says so when a server died, or stood still, in the middle of a cancelled statement.
    """
    try:
        return await work(connection)
    except asyncpg.InternalClientError:
        connection.terminate()
        raise


async def _keep(_: _Connection) -> None:
    """A connection goes back as it is: single statements leave nothing to reset."""


async def _migrate(connection: _Connection) -> int:
    await connection.execute("SELECT pg_advisory_lock($1)", _MIGRATION_LOCK)
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS migrations ("
        "number integer PRIMARY KEY, name text NOT NULL, "
        "applied_at timestamptz NOT NULL DEFAULT now())"
    )
    at = await connection.fetchval("SELECT coalesce(max(number), 0) FROM migrations")
    for migration in read_migrations("postgres"):
        if migration.number > at:
            async with connection.transaction():
                await connection.execute(migration.sql)
                await connection.execute(
                    "INSERT INTO migrations (number, name) VALUES ($1, $2)",
                    migration.number,
                    migration.name,
                )
            at = migration.number
    return at


def _parameters(change: Change) -> tuple[Any, ...]:
    """In the order of the query `change`."""
    return (
        change.session_id,
        change.head,
        change.decision,
        change.attempt,
        change.new_head,
        change.new_decision,
        change.new_attempt,
        change.new_lost,
        change.open_calls,
        change.epoch,
        change.journal_id,
        change.attached,
        change.status,
        change.at,
        change.seen,
        change.moves_due,
        change.due_at,
        change.frees_lease,
        *_columns(EventRow, change.rows),
        change.closes_calls,
        *_columns(Call, change.calls),
        change.tokens,
    )


def _of_claim(claimant: Claimant) -> tuple[Any, ...]:
    """What `claimed` takes behind the parameters of `change`."""
    bounds = claimant.allowance
    return claimant.worker, LEASE_SECONDS, bounds.generations, bounds.tokens_a_day


def _columns(kind: type[msgspec.Struct], rows: Sequence[msgspec.Struct]) -> tuple[list[Any], ...]:
    """One array a column: what `unnest` takes."""
    return tuple([getattr(row, name) for row in rows] for name in kind.__struct_fields__)


@contextmanager
def _address() -> Generator[None]:
    """Connect in it: what the driver says of an address that is none may hold the password."""
    try:
        yield
    except ValueError:
        raise SettingsError("database_url: this is not a PostgreSQL address") from None


def _reason(error: Exception) -> str:
    """The kind of the failure: the server's and the driver's words hold addresses, users, rows."""
    match error:
        case asyncpg.UndefinedTableError():
            return "PostgreSQL: there is no schema: run `maestro migrate`"
        case asyncpg.ReadOnlySQLTransactionError():
            return _READ_ONLY
        case asyncpg.PostgresError(sqlstate=sqlstate):
            return f"PostgreSQL: {type(error).__name__} ({sqlstate})"
        case socket.gaierror():
            return "PostgreSQL: its host's name is not known"
        case OSError(errno=int(number)):
            return f"PostgreSQL: {os.strerror(number)}"
        case _:
            return f"PostgreSQL: {type(error).__name__}"
