"""What only the SQLite ledger does: its file, its lock, its schema, a full disk."""

import asyncio
import resource
import sqlite3
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from maestro.errors import LedgerUnavailable
from maestro.ledger.ledger import SqlLedger
from maestro.ledger.sqlite import open_sqlite
from maestro.ports import Appended
from tests.contract.ledger.desk import Desk


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "ledger.db"


@pytest.fixture
async def ledger(path: Path) -> AsyncIterator[SqlLedger]:
    opened = await open_sqlite(path)
    yield opened
    await opened.close()


async def test_its_files_are_the_users_alone(path: Path, ledger: SqlLedger) -> None:
    await Desk.open(ledger)

    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}

    assert modes == {"ledger.db": 0o600, "ledger.db-wal": 0o600, "ledger.db-shm": 0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_what_was_written_is_there_after_a_restart(path: Path, ledger: SqlLedger) -> None:
    desk = await Desk.open(ledger)
    before = await desk.load()
    await ledger.close()

    reopened = await open_sqlite(path)

    after = await Desk(reopened, desk.session_id).load()
    assert (after.row.head, after.events) == (before.row.head, before.events)
    await reopened.close()


async def test_many_processes_open_a_fresh_file_at_once(path: Path) -> None:
    ledgers = await asyncio.gather(*(open_sqlite(path) for _ in range(8)))

    await asyncio.gather(*(ledger.check() for ledger in ledgers))

    await asyncio.gather(*(ledger.close() for ledger in ledgers))


async def test_an_append_waits_for_another_process_that_writes(
    path: Path, ledger: SqlLedger
) -> None:
    desk = await Desk.open(ledger)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    waiting = asyncio.create_task(desk.say("m2"))
    assert (await desk.row()).head == 3
    other.execute("COMMIT")
    other.close()

    async with asyncio.timeout(20):
        assert await waiting == Appended(4, 4)


async def test_a_full_disk_accepts_nothing_and_breaks_nothing(
    path: Path, ledger: SqlLedger
) -> None:
    desk = await Desk.open(ledger)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = path.with_name("ledger.db-wal").stat().st_size

    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        with pytest.raises(LedgerUnavailable, match=r"^SQLite: .*(full|I/O)"):
            await desk.say("m2")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert await desk.say("m2") == Appended(4, 4)


async def test_a_file_that_is_no_database_is_named(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("not a database, but long enough to be taken for one" * 100)

    with pytest.raises(LedgerUnavailable, match=r"file is not a database \(.*ledger\.db\)"):
        await open_sqlite(path)


async def test_a_folder_that_can_not_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(LedgerUnavailable, match="file"):
        await open_sqlite(tmp_path / "file" / "ledger.db")
