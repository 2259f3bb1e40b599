"""The answer of a statement is lost after PostgreSQL has done it: nothing is done twice."""

import itertools
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import parse_qs, urlsplit

import pytest

from maestro.domain.events import ExecutorLost, ModelReplied
from maestro.ledger.ledger import SqlLedger
from maestro.ledger.postgres import migrate, open_postgres
from maestro.ports import Account, Appended, Attached, Claim, Exhausted, Opened
from tests.contract.ledger.desk import (
    ATTACHED,
    ATTACHED_WITHOUT_JOURNAL,
    OPENED,
    OWNER,
    SAID,
    Desk,
)
from tests.maestro.ledger.severed import Wire

_Result = TypeVar("_Result")


@pytest.fixture
async def wire(postgres_dsn: str) -> AsyncIterator[Wire]:
    (folder,) = parse_qs(urlsplit(postgres_dsn).query)["host"]
    with tempfile.TemporaryDirectory(prefix="cg-wire-", dir="/tmp") as between:
        async with Wire.open(Path(folder), Path(between)) as wire:
            yield wire


@pytest.fixture
async def ledger(postgres_dsn: str, wire: Wire) -> AsyncIterator[SqlLedger]:
    await migrate(postgres_dsn)
    database = urlsplit(postgres_dsn).path.strip("/")
    ledger = await open_postgres(f"postgresql://postgres@/{database}?host={wire.folder}")
    yield ledger
    await ledger.close()


async def _cut_everywhere(
    wire: Wire, call: Callable[[int], Awaitable[_Result]]
) -> AsyncIterator[_Result]:
    """What `call` gives with no answer lost, then its 1st, its 2nd ..., until none is left."""
    yield await call(0)
    for answer in itertools.count(1):
        wire.cut_at(answer)
        outcome = await call(answer)
        if not wire.was_cut:
            assert answer > 1
            return
        yield outcome


async def test_a_fact_is_there_once(wire: Wire, ledger: SqlLedger) -> None:
    desk = await Desk.open(ledger)
    head = 3

    async for said in _cut_everywhere(wire, lambda answer: desk.say(f"m-{answer}")):
        head += 1
        assert isinstance(said, Appended)
        assert (said.seq, said.head) == (head, head)


async def test_a_decision_is_there_once(wire: Wire, ledger: SqlLedger) -> None:
    desk = await Desk.open(ledger)
    head = 3

    async def decide(answer: int) -> object:
        claim = Claim(desk.session_id, "worker", answer, 0, 0)
        replied = ModelReplied(f"g{answer}", head, "")
        return await ledger.append_decision(desk.session_id, [replied], claim, head)

    async for decided in _cut_everywhere(wire, decide):
        head += 1
        assert isinstance(decided, Appended)
        assert (decided.seq, decided.head) == (head, head)


async def test_a_session_is_opened_once_even_without_an_id(wire: Wire, ledger: SqlLedger) -> None:
    async def open_session(_: int) -> object:
        return await ledger.open_session(OWNER, None, OPENED, ATTACHED, SAID)

    count = 0
    async for opened in _cut_everywhere(wire, open_session):
        count += 1
        assert isinstance(opened, Opened)
        assert opened == Opened(opened.session_id, 1, 3, again=False)
        assert len(await ledger.list_sessions(OWNER)) == count


async def test_an_executor_without_a_journal_is_attached_once(
    wire: Wire, ledger: SqlLedger
) -> None:
    desk = await Desk.open(ledger)

    async def attach(answer: int) -> object:
        lost = ExecutorLost(answer + 1)
        await ledger.append_fact(OWNER, desk.session_id, f"lost:{answer}", lost)
        return await ledger.attach(OWNER, desk.session_id, ATTACHED_WITHOUT_JOURNAL)

    epoch = 1
    async for attached in _cut_everywhere(wire, attach):
        epoch += 1
        assert attached == Attached(desk.session_id, epoch, 1 + 2 * epoch)


async def test_an_account_keeps_the_token_that_was_given_out(wire: Wire, ledger: SqlLedger) -> None:
    async def create(answer: int) -> Account | None:
        token = await ledger.accounts.create(f"name-{answer}")
        return await ledger.accounts.authenticate(token)

    async for account in _cut_everywhere(wire, create):
        assert account is not None


async def test_a_claim_whose_answer_was_lost_is_held_at_once(wire: Wire, ledger: SqlLedger) -> None:
    async def claim(answer: int) -> tuple[Claim | None, int]:
        desk = await Desk.open(ledger, f"h{answer}")
        claimed = await ledger.claim(desk.session_id, "worker", 0)
        assert not isinstance(claimed, Exhausted)
        return claimed, (await desk.row()).attempt

    async for claimed, attempt in _cut_everywhere(wire, claim):
        assert claimed is not None
        assert (claimed.attempt, claimed.lost) == (attempt, 0)
