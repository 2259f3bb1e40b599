"""Accounts: a token comes in, its hash stays."""

import re

import pytest

from maestro.errors import AccountExists
from maestro.ledger.ledger import SqlLedger
from maestro.ports import Account, Accounts
from tests.contract.ledger.places import Place
from tests.requirements import covers


@pytest.fixture
def accounts(ledger: SqlLedger) -> Accounts:
    return ledger.accounts


async def test_a_token_lets_its_account_in(accounts: Accounts) -> None:
    assert not await accounts.any()
    tokens = [await accounts.create(name) for name in ("ada", "grace")]

    entered = [await accounts.authenticate(token) for token in tokens]

    assert await accounts.any()
    assert all(re.fullmatch(r"cg_[A-Za-z0-9_-]{43}", token) for token in tokens)
    ada, grace = entered
    assert ada is not None
    assert grace is not None
    assert (ada, grace) == (Account(ada.owner, "ada"), Account(grace.owner, "grace"))
    assert len({ada.owner, grace.owner, "ada", "grace"}) == 4


@pytest.mark.parametrize("token", ["", "cg_wrong", "\0", "\ud800", "x" * 100_000])
async def test_another_token_lets_nobody_in(accounts: Accounts, token: str) -> None:
    await accounts.create("ada")

    assert await accounts.authenticate(token) is None


async def test_a_name_is_given_once(accounts: Accounts) -> None:
    token = await accounts.create("ada")

    with pytest.raises(AccountExists, match="'ada'"):
        await accounts.create("ada")
    assert await accounts.authenticate(token) is not None


@pytest.mark.parametrize("column", ["expires_at", "revoked_at"])
async def test_a_token_that_expired_or_was_revoked_lets_nobody_in(
    accounts: Accounts, place: Place, column: str
) -> None:
    token = await accounts.create("ada")

    await place.execute("UPDATE accounts SET when = 1".replace("when", column))
    assert await accounts.authenticate(token) is None
    await place.execute("UPDATE accounts SET when = 9e9".replace("when", column))
    assert await accounts.authenticate(token) is not None


@covers("R-LEDGER-10")
async def test_the_token_itself_is_stored_nowhere(accounts: Accounts, place: Place) -> None:
    token = await accounts.create("ada")

    (row,) = await place.execute("SELECT * FROM accounts")

    assert token.removeprefix("cg_") not in repr(row)
