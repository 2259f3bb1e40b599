"""The ledger in one SQLite file: one writer, readers beside it, every commit on disk.

Knows connections, threads and errors of SQLite; what is written is decided elsewhere.
"""

import asyncio
import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from maestro.errors import LedgerUnavailable
from maestro.ledger.database import LEASE_SECONDS, Argument, Committed, Look, NewSession
from maestro.ledger.draft import Change
from maestro.ledger.ledger import SqlLedger
from maestro.ledger.queries import read_migrations, read_queries
from maestro.ledger.rows import Before, Row, before, claim_of
from maestro.ports import Claim

BUSY_SECONDS = 5.0
"""How long another process may hold the file."""

_OLDEST = (3, 37, 0)
"""STRICT tables."""

_READERS = 2

_Result = TypeVar("_Result")


async def open_sqlite(path: Path) -> SqlLedger:
    """The ledger in `path` (made 0600, in folders made 0700), at the newest schema."""
    return SqlLedger(await SqliteDatabase.open(path))


class _Lane:
    """A thread with a connection of its own: a cancelled caller leaves it to finish alone."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._connection: sqlite3.Connection | None = None
        self._closed = False

    async def do(self, work: Callable[[sqlite3.Connection], _Result]) -> _Result:
        """`work`'s result; LedgerUnavailable for what SQLite refuses to do here."""
        if self._closed:
            raise LedgerUnavailable("SQLite: closed")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._do, work)

    async def close(self) -> None:
        """After what is under way. Again: nothing."""
        if not self._closed:
            self._closed = True
            await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
            self._thread.shutdown()

    def _do(self, work: Callable[[sqlite3.Connection], _Result]) -> _Result:
        try:
            if self._connection is None:
                self._connection = _connect(self._path)
            return work(self._connection)
        except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
            raise
        except sqlite3.Error as error:
            raise LedgerUnavailable(f"SQLite: {error}") from error
        except OSError as error:  # without the path: anybody may read what `/ready` says
            raise LedgerUnavailable(f"SQLite: {error.strerror}") from error

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()


class SqliteDatabase:
    """Implements `maestro.ledger.database.Database`."""

    def __init__(self, path: Path) -> None:
        self._queries = read_queries("sqlite")
        self._writer = _Lane(path)
        self._readers = tuple(_Lane(path) for _ in range(_READERS))
        self._reads = 0
        self._refused = False
        """The last write was: by a full disk, or by a process that holds the file."""

    @classmethod
    async def open(cls, path: Path) -> "SqliteDatabase":
        database = cls(path)
        try:
            await database._writer.do(_migrate)
        except LedgerUnavailable as error:
            await database.close()
            raise LedgerUnavailable(f"{error} ({path})") from error
        return database

    async def read(self, query: str, *arguments: Argument) -> Sequence[Row]:
        self._reads += 1
        lane = self._readers[self._reads % _READERS]
        return await lane.do(self._fetch(query, arguments))

    async def run(self, query: str, *arguments: Argument) -> Sequence[Row]:
        return await self._written(self._fetch(query, arguments))

    async def append(
        self, look: Look, plan: Callable[[Before], Change | _Result]
    ) -> Committed | _Result | None:
        arguments = msgspec.structs.astuple(look)

        def work(connection: sqlite3.Connection) -> Committed | _Result | None:
            # Under the write lock from the read on: nothing moves, and one thread does it all.
            with _transaction(connection):
                row = connection.execute(self._queries["before"], arguments).fetchone()
                if row is None:
                    return None
                planned = plan(before(row))
                if not isinstance(planned, Change):
                    return planned
                committed = self._write(connection, planned)
                if committed is None:
                    raise AssertionError("a session moved under the write lock")
                return committed

        return await self._writer.do(work)

    async def commit(self, change: Change) -> Committed | None:
        def work(connection: sqlite3.Connection) -> Committed | None:
            with _transaction(connection):
                return self._write(connection, change)

        try:
            return await self._written(work)
        except sqlite3.IntegrityError as error:
            if error.sqlite_errorname != "SQLITE_CONSTRAINT_UNIQUE":
                raise
            return None

    async def create(self, session: NewSession, opening: Change) -> bool:
        def work(connection: sqlite3.Connection) -> bool:
            with _transaction(connection):
                made = connection.execute(
                    self._queries["create_session"], msgspec.structs.astuple(session)
                )
                return made.rowcount == 1 and self._write(connection, opening) is not None

        return await self._written(work)

    async def copy(self, session: NewSession, source: str, to_seq: int) -> bool:
        def work(connection: sqlite3.Connection) -> bool:
            with _transaction(connection):
                row = (*msgspec.structs.astuple(session), source, to_seq)
                if connection.execute(self._queries["copy_session"], row).rowcount == 0:
                    return False
                rest = (session.session_id, source, to_seq)
                connection.execute(self._queries["copy_events"], rest)
                connection.execute(self._queries["copy_calls"], rest)
                return True

        return await self._writer.do(work)

    async def check(self) -> None:
        """Where a write was refused another one is tried: a lock says nothing of a full disk."""
        refused = self._refused

        def work(connection: sqlite3.Connection) -> None:
            with _transaction(connection):
                if refused:
                    (version,) = connection.execute("PRAGMA user_version").fetchone()
                    connection.execute(f"PRAGMA user_version = {version}")

        await (self._written(work) if refused else self._writer.do(work))

    async def close(self) -> None:
        for lane in (*self._readers, self._writer):
            await lane.close()

    async def _written(self, work: Callable[[sqlite3.Connection], _Result]) -> _Result:
        try:
            done = await self._writer.do(work)
        except LedgerUnavailable:
            self._refused = True
            raise
        self._refused = False
        return done

    def _fetch(
        self, query: str, arguments: Sequence[Argument]
    ) -> Callable[[sqlite3.Connection], Sequence[Row]]:
        sql = self._queries[query]
        return lambda connection: connection.execute(sql, arguments).fetchall()

    def _write(self, connection: sqlite3.Connection, change: Change) -> Committed | None:
        session_id = change.session_id
        moved = connection.execute(self._queries["move_session"], _parameters(change))
        if moved.rowcount == 0:
            return None
        connection.executemany(
            self._queries["insert_event"],
            ((session_id, *msgspec.structs.astuple(row), change.at) for row in change.rows),
        )
        if change.closes_calls:
            connection.execute(self._queries["close_calls"], (session_id,))
        connection.executemany(
            self._queries["put_call"],
            ((session_id, *msgspec.structs.astuple(call)) for call in change.calls),
        )
        if change.tokens:
            spent = (session_id, change.at, change.tokens)
            connection.execute(self._queries["add_spending"], spent)
        return Committed(change, self._claimed(connection, change))

    def _claimed(self, connection: sqlite3.Connection, change: Change) -> Claim | None:
        if change.claimant is None:
            return None
        worker, allowance = change.claimant.worker, change.claimant.allowance
        bounds = (allowance.generations, allowance.tokens_a_day)
        asked = (change.session_id, worker, change.new_decision, LEASE_SECONDS, *bounds)
        row = connection.execute(self._queries["claim"], asked).fetchone()
        return claim_of(change.session_id, worker, row)


def _parameters(change: Change) -> dict[str, Any]:
    fields = msgspec.structs.asdict(change)
    for name in ("rows", "calls", "tokens", "written", "claimant"):
        del fields[name]
    return {**fields, "new_head": change.new_head}


def _connect(path: Path) -> sqlite3.Connection:
    if sqlite3.sqlite_version_info < _OLDEST:
        raise LedgerUnavailable(f"SQLite {sqlite3.sqlite_version} is too old: 3.37 is needed")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # SQLite gives its -wal and -shm files the mode of this one.
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, cached_statements=64
    )
    try:
        connection.row_factory = sqlite3.Row
        _use_wal(connection)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _use_wal(connection: sqlite3.Connection) -> None:
    """The change to WAL heeds no busy timeout when several processes make it at once."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Generator[None]:
    """The write lock from the first statement on; whatever fails leaves nothing behind."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema up; another process that does the same waits at the lock."""
    with _transaction(connection):
        (at,) = connection.execute("PRAGMA user_version").fetchone()
        for migration in read_migrations("sqlite"):
            if migration.number > at:
                for statement in _statements(migration.sql):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {migration.number}")


def _statements(script: str) -> Iterator[str]:
    """One by one: executescript would commit first."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
