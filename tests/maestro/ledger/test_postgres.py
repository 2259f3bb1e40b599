"""What only the PostgreSQL ledger does: migrations by hand, retries, a server that goes away."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit

import asyncpg
import pytest

from maestro.errors import LedgerUnavailable
from maestro.ledger.ledger import SqlLedger
from maestro.ledger.postgres import migrate, open_postgres
from maestro.ports import Allowance, Appended, Claimant
from tests.contract.ledger.desk import OWNER, Desk, answered
from tests.servers.postgres_server import PostgresServer, find_postgres, unprivileged


@pytest.fixture
async def ledger(postgres_dsn: str) -> AsyncIterator[SqlLedger]:
    await migrate(postgres_dsn)
    opened = await open_postgres(postgres_dsn)
    yield opened
    await opened.close()


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    binaries = find_postgres()
    if binaries is None or unprivileged() is None:
        pytest.skip("no PostgreSQL that can run here")
    with PostgresServer.temporary(binaries) as server:
        yield server


async def test_a_database_without_a_schema_says_how_to_make_one(postgres_dsn: str) -> None:
    ledger = await open_postgres(postgres_dsn)

    with pytest.raises(
        LedgerUnavailable,
        match="the schema is at 0, this version needs 2: run `maestro migrate`",
    ):
        await ledger.check()
    with pytest.raises(LedgerUnavailable, match="run `maestro migrate`"):
        await ledger.due()
    await ledger.close()


async def test_many_processes_migrate_at_once(postgres_dsn: str) -> None:
    assert await asyncio.gather(*(migrate(postgres_dsn) for _ in range(8))) == [2] * 8

    ledger = await open_postgres(postgres_dsn)
    await ledger.check()
    await ledger.close()


async def test_a_pool_of_one_serves_everybody_in_turn(postgres_dsn: str) -> None:
    await migrate(postgres_dsn)
    ledger = await open_postgres(postgres_dsn, pool_size=1)

    desks = await asyncio.gather(*(Desk.open(ledger, f"h{number}") for number in range(20)))

    said = await asyncio.gather(*(desk.say("m2") for desk in desks))
    assert said == [Appended(4, 4)] * 20
    await ledger.close()


async def test_a_read_only_server_accepts_nothing_and_is_not_ready(
    postgres_dsn: str, ledger: SqlLedger
) -> None:
    database = urlsplit(postgres_dsn).path.strip("/")
    desk = await Desk.open(ledger)
    admin = await asyncpg.connect(postgres_dsn)
    await admin.execute(f"ALTER DATABASE {database} SET default_transaction_read_only = on")
    await admin.close()
    fresh = await open_postgres(postgres_dsn)

    with pytest.raises(LedgerUnavailable, match="read-only"):
        await fresh.check()
    with pytest.raises(LedgerUnavailable, match="read-only"):
        await Desk(fresh, desk.session_id).say("m2")
    await fresh.close()


async def test_a_server_that_is_away_is_named_and_served_again_when_it_is_back(
    own_server: PostgresServer,
) -> None:
    dsn = own_server.dsn_of(own_server.create_database())
    await migrate(dsn)
    ledger = await open_postgres(dsn)
    desk = await Desk.open(ledger)

    own_server.kill()
    async with asyncio.timeout(20):
        with pytest.raises(LedgerUnavailable, match="PostgreSQL: "):
            await desk.say("m2")
        with pytest.raises(LedgerUnavailable, match="PostgreSQL: "):
            await migrate(dsn)
    own_server.start()

    assert await desk.say("m2") == Appended(4, 4)
    await ledger.close()


async def test_a_server_that_restarts_quickly_is_not_noticed(own_server: PostgresServer) -> None:
    dsn = own_server.dsn_of(own_server.create_database())
    await migrate(dsn)
    ledger = await open_postgres(dsn)
    desk = await Desk.open(ledger)
    await asyncio.gather(*(ledger.due() for _ in range(20)))

    own_server.restart()

    assert await desk.say("m2") == Appended(4, 4)
    await ledger.close()


async def test_an_answer_does_not_wait_for_the_persons_turn_to_claim(
    postgres_dsn: str, ledger: SqlLedger
) -> None:
    """Who has the turn may wait for the row that the answer has locked."""
    desk = await Desk.open(ledger)
    await desk.ask("t1", "t2")
    bound = Claimant("worker-1", Allowance(generations=3))
    claiming = await asyncpg.connect(postgres_dsn)
    async with claiming.transaction():
        await claiming.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", OWNER)
        await desk.answer("t1")
        async with asyncio.timeout(20):
            answered_meanwhile = await ledger.append_fact(
                OWNER, desk.session_id, "tool:t2", answered("t2"), epoch=1, claimant=bound
            )
    await claiming.close()

    assert isinstance(answered_meanwhile, Appended)
    assert answered_meanwhile.claim is None
    assert await desk.is_due()


def test_without_the_driver_the_error_says_what_to_install() -> None:
    code = (
        "import sys\n"
        "sys.modules['asyncpg'] = None\n"
        "try:\n"
        "    import maestro.ledger.postgres\n"
        "except Exception as error:\n"
        "    print(type(error).__name__, error)\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == ("SettingsError PostgreSQL needs: pip install 'codegen-maestro[team]'\n")
