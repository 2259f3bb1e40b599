"""What a process wrote last it does not read again, and is never wrong about it for that."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import TypeVar

import pytest
from msgspec.structs import replace

from maestro.domain.events import Interrupted, ModelReplied
from maestro.ledger.database import Argument, Committed, Database, Look, NewSession
from maestro.ledger.draft import Change
from maestro.ledger.ledger import SqlLedger
from maestro.ledger.rows import Before, Row
from maestro.ports import Appended, Claim, Claimant, Refused
from tests.contract.ledger.desk import (
    ATTACHED_ELSEWHERE,
    OWNER,
    Desk,
    answered,
    asked,
    ended,
)
from tests.contract.ledger.places import Place

_Outcome = TypeVar("_Outcome")


class CountingDatabase:
    """A `Database` that hands everything on, and counts the appends that began with a look."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.looks = 0

    async def read(self, query: str, *arguments: Argument) -> Sequence[Row]:
        return await self._database.read(query, *arguments)

    async def run(self, query: str, *arguments: Argument) -> Sequence[Row]:
        return await self._database.run(query, *arguments)

    async def append(
        self, look: Look, plan: Callable[[Before], Change | _Outcome]
    ) -> Committed | _Outcome | None:
        self.looks += 1
        return await self._database.append(look, plan)

    async def commit(self, change: Change) -> Committed | None:
        return await self._database.commit(change)

    async def create(self, session: NewSession, opening: Change) -> bool:
        return await self._database.create(session, opening)

    async def copy(self, session: NewSession, source: str, to_seq: int) -> bool:
        return await self._database.copy(session, source, to_seq)

    async def check(self) -> None:
        await self._database.check()

    async def close(self) -> None:
        await self._database.close()


@pytest.fixture
async def database(place: Place, ledger: SqlLedger) -> AsyncIterator[CountingDatabase]:
    assert ledger
    opened = CountingDatabase(await place.database())
    yield opened
    await opened.close()


@pytest.fixture
async def known(database: CountingDatabase) -> Desk:
    """A session whose last append was one of its own process; no look is counted yet."""
    desk = await Desk.open(SqlLedger(database))
    await desk.ask("t1")
    database.looks = 0
    return desk


async def test_a_turn_of_one_process_is_written_without_a_look(
    database: CountingDatabase, known: Desk
) -> None:
    answer = await known.ledger.append_fact(
        OWNER, known.session_id, "tool:t1", answered("t1"), epoch=1, claimant=Claimant("worker")
    )
    assert isinstance(answer, Appended)
    assert answer.claim is not None
    rows = (ModelReplied("g2", answer.head, ""), asked("t2"))
    replied = await known.append_decision(known.session_id, rows, answer.claim, answer.head)

    assert replied == Appended(answer.head + 1, answer.head + 2)
    assert database.looks == 0


async def test_a_claim_and_a_timer_of_this_process_are_known(
    database: CountingDatabase, known: Desk
) -> None:
    row = await known.row()
    assert await known.ledger.rest(known.session_id, row.head, 9e9)
    await known.say("m2")
    assert known.written[-1].row.due_at == 9e9
    await known.answer("t1")
    claim = await known.ledger.claim(known.session_id, "worker", row.decision)
    assert isinstance(claim, Claim)
    again = await known.ledger.reattempt(claim)
    assert again is not None
    await known.append_decision(known.session_id, (ended(row.head + 2),), again, row.head + 2)

    assert database.looks == 0
    row, left = await known.row(), known.written[-1].row
    assert replace(left, now=row.now, seen_ago=row.seen_ago) == row


async def test_what_another_process_wrote_is_noticed(
    database: CountingDatabase, known: Desk, other: SqlLedger
) -> None:
    elsewhere = Desk(other, known.session_id)
    await elsewhere.say("m2")

    assert await known.say("m3") == Appended(7, 7)
    assert database.looks == 1
    assert [event.seq for event in (await known.load()).events] == list(range(1, 8))


async def test_a_key_that_is_there_is_found(known: Desk, other: SqlLedger) -> None:
    first = await known.say("m2")
    elsewhere = await Desk(other, known.session_id).say("m2")

    assert isinstance(first, Appended)
    assert await known.say("m2") == Appended(first.seq, first.head, again=True) == elsewhere
    await known.answer("t1")
    assert await known.answer("t1", "something else") == Refused("conflict")


@pytest.mark.parametrize("tool_id", ["t1", "t9"])
async def test_a_call_that_is_not_known_to_be_open_is_looked_up(known: Desk, tool_id: str) -> None:
    await known.answer("t1", "ok")
    expected = Refused("conflict") if tool_id == "t1" else Refused("unknown_call")

    assert await known.answer(tool_id, "another") == expected


async def test_an_executor_that_was_replaced_elsewhere_is_refused(
    known: Desk, other: SqlLedger
) -> None:
    await other.attach(OWNER, known.session_id, ATTACHED_ELSEWHERE, take_over=True)

    assert await known.say("m2") == Refused("stale_epoch")


async def test_a_worker_that_was_left_behind_elsewhere_is_voided(
    known: Desk, other: SqlLedger
) -> None:
    row = await known.row()
    claim = Claim(known.session_id, "worker", row.decision, row.attempt, row.lost)
    await other.append_fact(OWNER, known.session_id, "interrupt:1", Interrupted())

    late = await known.append_decision(known.session_id, (ended(row.head),), claim, row.head)

    assert late == Refused("voided")


async def test_a_session_that_was_deleted_elsewhere_is_gone(known: Desk, other: SqlLedger) -> None:
    assert await other.delete_session(OWNER, known.session_id)

    assert await known.answer("t1") == Refused("gone")


async def test_a_stranger_gets_nothing_by_what_is_known(known: Desk) -> None:
    refused = await known.append_fact(
        "owner-2", known.session_id, "tool:t1", answered("t1"), epoch=1
    )

    assert refused == Refused("gone")
