"""Accounts: a token comes in, its hash stays."""

import hashlib
import re

import pytest

from maestro.errors import AccountExists, NoSuchAccount
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
    assert (ada, grace) == (
        Account(ada.owner, "ada", ada.key_id),
        Account(grace.owner, "grace", grace.key_id),
    )
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

    await place.execute("UPDATE keys SET when = 1".replace("when", column))
    assert await accounts.authenticate(token) is None
    await place.execute("UPDATE keys SET when = 9e9".replace("when", column))
    assert await accounts.authenticate(token) is not None


@covers("R-LEDGER-10")
async def test_the_token_itself_is_stored_nowhere(accounts: Accounts, place: Place) -> None:
    token = await accounts.create("ada")

    rows = [
        *await place.execute("SELECT * FROM accounts"),
        *await place.execute("SELECT * FROM keys"),
    ]

    assert len(rows) == 2
    assert token.removeprefix("cg_") not in f"{rows}{await accounts.keys()}"


@covers("R-KEYS-1")
async def test_a_person_has_as_many_keys_as_needed_and_each_ends_alone(accounts: Accounts) -> None:
    first, second = await accounts.create("ada"), await accounts.create("ada", another=True)
    by_first, by_second = [await accounts.authenticate(token) for token in (first, second)]
    assert by_first is not None
    assert by_second is not None
    assert by_first.owner == by_second.owner
    assert by_first.key_id is not None
    assert by_second.key_id is not None

    assert await accounts.revoke(by_first.key_id)

    assert await accounts.authenticate(first) is None
    assert await accounts.authenticate(second) == by_second
    asked = {by_first.key_id, by_second.key_id, "unknown"}
    assert await accounts.valid(asked) == {by_second.key_id}


async def test_another_key_needs_somebody_who_has_one(accounts: Accounts) -> None:
    with pytest.raises(NoSuchAccount, match="'ada'"):
        await accounts.create("ada", another=True)
    assert not await accounts.any()


@covers("R-KEYS-1")
async def test_a_key_ends_by_itself_when_its_time_is_over(accounts: Accounts) -> None:
    gone = await accounts.create("ada", expires_seconds=0.0)
    short = await accounts.create("ada", expires_seconds=0.0, another=True)
    lasting = await accounts.create("ada", expires_seconds=3600.0, another=True)

    assert await accounts.authenticate(gone) is None
    assert await accounts.authenticate(short) is None
    assert await accounts.authenticate(lasting) is not None
    assert [key.valid for key in await accounts.keys()].count(True) == 1


async def test_the_list_shows_every_key_and_what_became_of_it(accounts: Accounts) -> None:
    for name in ("grace", "ada"):
        await accounts.create(name)
    ada, grace = await accounts.keys()
    assert await accounts.revoke(grace.key_id)

    listed = [(key.name, key.key_id, key.valid) for key in await accounts.keys()]

    assert listed == [("ada", ada.key_id, True), ("grace", grace.key_id, False)]
    assert len(await accounts.keys(1)) == 1


async def test_a_key_that_is_not_there_cannot_be_revoked(accounts: Accounts) -> None:
    await accounts.create("ada")

    assert not await accounts.revoke("cafe" * 3)
    assert not await accounts.revoke("\0")
    (key,) = await accounts.keys()
    assert key.valid


async def test_a_revocation_stands_where_the_release_before_looks(
    accounts: Accounts, place: Place
) -> None:
    await accounts.create("ada")
    (key,) = await accounts.keys()

    await accounts.revoke(key.key_id)

    assert await place.execute("SELECT 1 FROM accounts WHERE revoked_at IS NULL") == []


async def test_an_account_that_the_release_before_makes_has_a_key(
    accounts: Accounts, place: Place
) -> None:
    token = "cg_made-before"
    hashed = hashlib.sha256(token.encode()).hexdigest()
    await place.execute(
        "INSERT INTO accounts (owner, name, token_hash, created_at)"
        " VALUES ('o1', 'ada', 'HASH', 1.0)".replace("HASH", hashed)
    )

    assert await accounts.authenticate(token) == Account("o1", "ada", hashed[:12])
