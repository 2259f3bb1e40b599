"""Opening a session and attaching to one: who gets in, and what becomes of the open calls."""

import re

import msgspec
import pytest

from maestro.domain.events import (
    ExecutorAttached,
    ExecutorLost,
    StoredEvent,
    ToolAnswered,
    ToolAsked,
)
from maestro.ledger.ledger import SqlLedger
from maestro.ports import Attached, AttachRefused, Opened, SessionRow
from tests.contract.ledger.desk import (
    ATTACHED,
    ATTACHED_ELSEWHERE,
    ATTACHED_WITHOUT_JOURNAL,
    OPENED,
    OWNER,
    SAID,
    Desk,
    tool_ids,
)
from tests.contract.ledger.places import Place, elapse
from tests.requirements import covers

ANOTHERS = [
    pytest.param(ATTACHED_ELSEWHERE, id="another-journal"),
    pytest.param(ATTACHED_WITHOUT_JOURNAL, id="no-journal"),
]


def _at_epoch(attached: ExecutorAttached, epoch: int) -> ExecutorAttached:
    return msgspec.structs.replace(attached, epoch=epoch)


async def test_a_session_opens_with_three_events_and_is_due_at_once(ledger: SqlLedger) -> None:
    opened = await ledger.open_session(OWNER, "h1", OPENED, ATTACHED, SAID)

    assert isinstance(opened, Opened)
    assert opened == Opened(opened.session_id, 1, 3, again=False)
    assert re.fullmatch(r"[A-Za-z0-9_-]{20,40}", opened.session_id)
    loaded = await ledger.load(opened.session_id)
    assert loaded is not None
    row, at = loaded.row, loaded.events[0].at
    assert loaded.events == (
        StoredEvent(1, "open", OPENED, at),
        StoredEvent(2, "attach:1", _at_epoch(ATTACHED, 1), at),
        StoredEvent(3, "user:m1", SAID, at),
    )
    assert row == SessionRow(
        session_id=opened.session_id,
        owner=OWNER,
        head=3,
        decision=0,
        attempt=0,
        lost=0,
        open_calls=0,
        epoch=1,
        journal_id="journal-1",
        attached=True,
        seen_ago=row.seen_ago,
        due_at=at,
        now=row.now,
    )
    assert 0 <= row.seen_ago < 5
    assert at <= row.now
    assert await ledger.due() == {opened.session_id: 0}


async def test_the_same_handshake_attaches_to_the_session_that_it_opened(desk: Desk) -> None:
    again = await desk.ledger.open_session(OWNER, "h1", OPENED, ATTACHED, SAID)

    assert again == Opened(desk.session_id, 2, 4, again=True)
    assert await desk.event(4) == _at_epoch(ATTACHED, 2)


async def test_the_same_handshake_from_another_journal_is_refused(desk: Desk) -> None:
    refused = await desk.ledger.open_session(OWNER, "h1", OPENED, ATTACHED_ELSEWHERE, SAID)

    assert refused == AttachRefused("already_attached")


async def test_the_same_handshake_without_a_journal_is_let_in_again(ledger: SqlLedger) -> None:
    desk = await Desk.open(ledger, attached=ATTACHED_WITHOUT_JOURNAL)
    await desk.ask("t1")

    again = await ledger.open_session(OWNER, "h1", OPENED, ATTACHED_WITHOUT_JOURNAL, SAID)

    assert again == Opened(desk.session_id, 2, 7, again=True)
    answer = await desk.event(6)
    assert isinstance(answer, ToolAnswered)
    assert (answer.tool_id, answer.status) == ("t1", "interrupted")
    assert await desk.event(7) == _at_epoch(ATTACHED_WITHOUT_JOURNAL, 2)


async def test_the_same_handshake_does_not_replace_an_executor_that_keeps_a_journal(
    desk: Desk,
) -> None:
    refused = await desk.ledger.open_session(OWNER, "h1", OPENED, ATTACHED_WITHOUT_JOURNAL, SAID)

    assert refused == AttachRefused("already_attached")


async def test_a_handshake_id_is_of_one_owner_alone(desk: Desk) -> None:
    opened = await desk.ledger.open_session("owner-2", "h1", OPENED, ATTACHED, SAID)

    assert isinstance(opened, Opened)
    assert opened == Opened(opened.session_id, 1, 3, again=False)
    assert opened.session_id != desk.session_id


async def test_handshakes_without_an_id_open_a_session_each(ledger: SqlLedger) -> None:
    first = await Desk.open(ledger, None)
    second = await Desk.open(ledger, None)

    assert first.session_id != second.session_id


async def test_the_same_journal_attaches_at_once_and_keeps_its_open_calls(desk: Desk) -> None:
    await desk.ask("t1", "t2")
    await desk.settle()

    attached = await desk.ledger.attach(OWNER, desk.session_id, ATTACHED, last_seq=6)

    assert attached == Attached(desk.session_id, 2, 7)
    row = await desk.row()
    assert (row.open_calls, row.epoch, row.attached) == (2, 2, True)
    assert await desk.is_due()
    assert tool_ids(await desk.ledger.open_calls(desk.session_id)) == ["t1", "t2"]


@pytest.mark.parametrize("another", ANOTHERS)
async def test_another_executor_is_refused_while_the_first_is_attached(
    desk: Desk, another: ExecutorAttached
) -> None:
    refused = await desk.ledger.attach(OWNER, desk.session_id, another)

    assert refused == AttachRefused("already_attached")
    assert (await desk.row()).head == 3


@covers("R-LEDGER-8")
@pytest.mark.parametrize("another", ANOTHERS)
async def test_a_take_over_answers_the_open_calls_as_interrupted(
    desk: Desk, another: ExecutorAttached
) -> None:
    await desk.ask("t1", "t2")
    await desk.cancel("t2")

    attached = await desk.ledger.attach(OWNER, desk.session_id, another, take_over=True)

    assert attached == Attached(desk.session_id, 2, 10)
    events = (await desk.load()).events[-3:]
    assert [event.key for event in events[:2]] == ["tool:t1", "tool:t2"]
    for answer in events[:2]:
        assert isinstance(answer.event, ToolAnswered)
        assert (answer.event.status, answer.event.generation_id) == ("interrupted", "g1")
    assert events[2].event == _at_epoch(another, 2)
    assert (await desk.row()).open_calls == 0
    assert await desk.ledger.open_calls(desk.session_id) == ()


@pytest.mark.parametrize("another", ANOTHERS)
async def test_another_executor_gets_in_when_the_first_is_known_to_be_lost(
    desk: Desk, another: ExecutorAttached
) -> None:
    await desk.append_fact(OWNER, desk.session_id, "lost:1", ExecutorLost(1), epoch=1)

    attached = await desk.ledger.attach(OWNER, desk.session_id, another)

    assert attached == Attached(desk.session_id, 2, 5)


async def test_an_attach_to_an_executor_unseen_for_45_seconds_records_the_loss_first(
    desk: Desk, place: Place
) -> None:
    await elapse(place, 46)

    attached = await desk.ledger.attach(OWNER, desk.session_id, ATTACHED_ELSEWHERE)

    assert attached == Attached(desk.session_id, 2, 5)
    assert await desk.event(4) == ExecutorLost(1)
    assert await desk.event(5) == _at_epoch(ATTACHED_ELSEWHERE, 2)


async def test_calls_asked_after_a_take_over_are_bound_to_the_new_journal(desk: Desk) -> None:
    await desk.ledger.attach(OWNER, desk.session_id, ATTACHED_ELSEWHERE, take_over=True)

    await desk.ask("t1")

    (call,) = await desk.ledger.open_calls(desk.session_id)
    assert isinstance(call.event, ToolAsked)
    assert call.event.bound_to == "journal-2"


async def test_an_attach_above_the_head_is_an_unknown_seq(desk: Desk) -> None:
    refused = await desk.ledger.attach(OWNER, desk.session_id, ATTACHED, last_seq=4)

    assert refused == AttachRefused("unknown_seq")


@pytest.mark.parametrize("session_id", ["0" * 32, "", "no\0such", "\ud800", "x" * 100_000])
async def test_a_session_that_does_not_exist_is_gone(ledger: SqlLedger, session_id: str) -> None:
    assert await ledger.attach(OWNER, session_id, ATTACHED) == AttachRefused("gone")
    assert await ledger.load(session_id) is None
    assert await ledger.open_calls(session_id) == ()
    assert not await ledger.delete_session(OWNER, session_id)


async def test_the_session_of_another_owner_is_gone(desk: Desk) -> None:
    attached = await desk.ledger.attach("owner-2", desk.session_id, ATTACHED, take_over=True)

    assert attached == AttachRefused("gone")
    assert (await desk.row()).head == 3


async def test_names_that_no_text_column_takes_are_stored_all_the_same(ledger: SqlLedger) -> None:
    odd = msgspec.structs.replace(ATTACHED, journal_id="j\0" + "x" * 5000)
    said = msgspec.structs.replace(SAID, message_id="\0" * 5000, content="nul: \0")

    opened = await ledger.open_session(OWNER, "h\0" + "y" * 5000, OPENED, odd, said)
    again = await ledger.open_session(OWNER, "h\0" + "y" * 5000, OPENED, odd, said)

    assert isinstance(opened, Opened)
    assert again == Opened(opened.session_id, 2, 4, again=True)
    loaded = await ledger.load(opened.session_id)
    assert loaded is not None
    assert loaded.events[2].event == said
