"""The compare-and-set beneath every append: a plan is written only where nothing has moved."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from maestro.domain.events import Interrupted, UserSaid
from maestro.ledger.database import Database, NewSession
from maestro.ledger.draft import Change, Draft
from maestro.ledger.rows import before, empty_session
from tests.contract.ledger.desk import OWNER, Desk
from tests.contract.ledger.places import Place


@pytest.fixture
async def database(place: Place, desk: Desk) -> AsyncIterator[Database]:
    assert desk
    opened = await place.database()
    yield opened
    await opened.close()


async def _planned(database: Database, desk: Desk) -> Change:
    (row,) = await database.read("before", desk.session_id, OWNER, "user:m2", "[]")
    draft = Draft(before(row))
    draft.add("user:m2", UserSaid("m2", "planned"))
    return draft.change()


async def _claim(desk: Desk) -> None:
    assert await desk.ledger.claim(desk.session_id, "worker", 0)


async def _interrupt(desk: Desk) -> None:
    await desk.append_fact(OWNER, desk.session_id, "interrupt", Interrupted())


async def _say(desk: Desk) -> None:
    await desk.say("m1b")


async def _delete(desk: Desk) -> None:
    assert await desk.ledger.delete_session(OWNER, desk.session_id)


async def test_a_change_is_written_once(database: Database, desk: Desk) -> None:
    change = await _planned(database, desk)

    assert await database.commit(change)
    assert not await database.commit(change)
    assert await desk.event(4) == UserSaid("m2", "planned")
    assert (await desk.row()).head == 4


@pytest.mark.parametrize("move", [_claim, _interrupt, _say, _delete])
async def test_a_change_of_what_has_moved_meanwhile_is_not_written(
    database: Database, desk: Desk, place: Place, move: Callable[[Desk], Awaitable[None]]
) -> None:
    change = await _planned(database, desk)
    await move(desk)

    assert not await database.commit(change)
    assert await place.execute("SELECT seq FROM events WHERE key = 'user:m2'") == []


async def test_a_timer_set_between_reading_and_writing_stays(
    database: Database, desk: Desk
) -> None:
    await desk.ask("t1")
    change = await _planned(database, desk)
    assert await desk.ledger.rest(desk.session_id, change.head, 9e9)

    assert await database.commit(change)

    assert (await desk.row()).due_at == 9e9


async def test_a_session_that_is_there_is_not_made_again(database: Database, desk: Desk) -> None:
    again = NewSession(desk.session_id, OWNER, None, "")
    same_handshake = NewSession("0" * 32, OWNER, "h1", "")

    for session in (again, same_handshake):
        draft = Draft(empty_session(session.session_id, OWNER, 0.0))
        draft.add("open", UserSaid("m1", "never"))
        assert not await database.create(session, draft.change())

    assert (await desk.row()).head == 3
    assert len(await desk.ledger.list_sessions(OWNER)) == 1
