"""One empty ledger on each database; every test of this folder runs on both."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from maestro.ledger.ledger import SqlLedger
from tests.contract.ledger.desk import Desk
from tests.contract.ledger.places import Place, PostgresPlace, SqlitePlace


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "sqlite":
        return SqlitePlace(tmp_path / "state" / "ledger.db")
    return PostgresPlace(request.getfixturevalue("postgres_dsn"))


@pytest.fixture
async def ledger(place: Place) -> AsyncIterator[SqlLedger]:
    opened = await place.open()
    yield opened
    await opened.close()


@pytest.fixture
async def other(place: Place, ledger: SqlLedger) -> AsyncIterator[SqlLedger]:
    """The ledger of another process on the same data."""
    assert ledger
    opened = await place.open()
    yield opened
    await opened.close()


@pytest.fixture
async def desk(ledger: SqlLedger) -> Desk:
    """A session that was just opened."""
    return await Desk.open(ledger)
