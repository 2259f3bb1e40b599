"""What is read: one session, the heads of many, a user's list, and who is away."""

import pytest

from maestro.domain.events import (
    CallWaiting,
    ModelReplied,
    RunEnded,
    RunParked,
    UserSaid,
)
from maestro.errors import NewerEvent
from maestro.ledger.ledger import SqlLedger
from maestro.ports import SessionSummary
from tests.contract.ledger.desk import (
    ATTACHED,
    OPENED,
    OWNER,
    Desk,
    ended,
)
from tests.contract.ledger.places import Place, elapse
from tests.requirements import covers


async def _seqs(desk: Desk, *, after: int = 0, limit: int = 10_000) -> list[int]:
    loaded = await desk.ledger.load(desk.session_id, after=after, limit=limit)
    assert loaded is not None
    return [event.seq for event in loaded.events]


async def test_a_load_gives_what_is_above_a_seq_and_no_more_than_asked(desk: Desk) -> None:
    await desk.ask("t1")

    assert await _seqs(desk) == [1, 2, 3, 4, 5]
    assert await _seqs(desk, after=3) == [4, 5]
    assert await _seqs(desk, after=1, limit=2) == [2, 3]
    assert await _seqs(desk, after=5) == []
    assert await _seqs(desk, after=99) == []


async def test_a_load_is_bounded_in_bytes_and_always_moves_on(desk: Desk) -> None:
    for number in range(3):
        said = UserSaid(f"big-{number}", "x" * (17 * 1024 * 1024))
        await desk.append_fact(OWNER, desk.session_id, f"user:big-{number}", said)

    assert await _seqs(desk) == [1, 2, 3, 4, 5]
    assert await _seqs(desk, after=5) == [6]


async def test_a_session_is_read_by_its_owner_alone(desk: Desk) -> None:
    assert await desk.ledger.load(desk.session_id, owner="owner-2") is None
    assert await desk.ledger.load(desk.session_id, owner=OWNER) is not None


@covers("R-LEDGER-11")
async def test_an_event_of_a_later_version_is_left_to_later_workers(
    desk: Desk, place: Place
) -> None:
    await place.execute("UPDATE events SET version = 2 WHERE seq = 3")
    with pytest.raises(NewerEvent, match="user_said"):
        await desk.load()

    await place.execute(
        "UPDATE events SET version = 1, kind = 'dreamt', "
        "body = replace(body, 'user_said', 'dreamt') WHERE seq = 3"
    )
    with pytest.raises(NewerEvent, match="dreamt"):
        await desk.load()
    assert await _seqs(desk, limit=2) == [1, 2]


async def test_the_heads_of_many_sessions_are_read_at_once(desk: Desk) -> None:
    second = await Desk.open(desk.ledger, "h2")
    await desk.ledger.attach(OWNER, second.session_id, ATTACHED)

    heads = await desk.ledger.heads([desk.session_id, second.session_id, "0" * 32])

    assert heads == {desk.session_id: (3, 1), second.session_id: (4, 2)}
    assert await desk.ledger.heads([]) == {}


async def test_an_executor_unseen_for_45_seconds_is_lost(desk: Desk, place: Place) -> None:
    await elapse(place, 44)
    assert await desk.ledger.lost_executors() == ()

    await elapse(place, 2)

    assert await desk.ledger.lost_executors() == ((OWNER, desk.session_id, 1),)
    assert (await desk.row()).seen_ago > 45


async def test_an_edge_keeps_its_executors_seen(desk: Desk, place: Place) -> None:
    second = await Desk.open(desk.ledger, "h2")
    await elapse(place, 46)

    await desk.ledger.touch({desk.session_id: 1, second.session_id: 2, "0" * 32: 1})

    assert await desk.ledger.lost_executors() == ((OWNER, second.session_id, 1),)
    assert (await desk.row()).seen_ago < 5


async def test_a_detached_executor_is_not_lost_again(desk: Desk, place: Place) -> None:
    await place.execute("UPDATE sessions SET attached = false")
    await elapse(place, 46)

    assert await desk.ledger.lost_executors() == ()


async def test_an_attach_counts_as_seen(desk: Desk, place: Place) -> None:
    await elapse(place, 46)

    await desk.ledger.attach(OWNER, desk.session_id, ATTACHED)

    assert await desk.ledger.lost_executors() == ()


async def test_a_user_lists_their_own_sessions_with_the_last_changed_first(desk: Desk) -> None:
    second = await Desk.open(desk.ledger, "h2")
    await desk.ledger.open_session("owner-2", None, OPENED, ATTACHED, UserSaid("m1", "secret"))
    await desk.say("m2")

    listed = await desk.ledger.list_sessions(OWNER)

    assert [session.session_id for session in listed] == [desk.session_id, second.session_id]
    assert listed[0] == SessionSummary(
        session_id=desk.session_id,
        title="Add a --json flag",
        status="pending",
        created_at=listed[0].created_at,
        updated_at=listed[0].updated_at,
        head=4,
        attached=True,
    )
    assert listed[0].created_at <= listed[0].updated_at
    assert await desk.ledger.list_sessions(OWNER, limit=1) == listed[:1]
    assert await desk.ledger.list_sessions(OWNER, before=listed[0].updated_at) == listed[1:]


async def test_a_summary_is_the_line_of_the_list(desk: Desk) -> None:
    (listed,) = await desk.ledger.list_sessions(OWNER)

    assert await desk.ledger.summary(OWNER, desk.session_id) == listed
    assert await desk.ledger.summary("owner-2", desk.session_id) is None
    assert await desk.ledger.summary(OWNER, "no\0such") is None


async def test_the_number_of_a_run_moves_with_what_its_last_end_had_not_read(desk: Desk) -> None:
    async def number() -> int:
        return await desk.ledger.run_number(desk.session_id)

    assert await number() == 1
    await desk.ask("t1")
    await desk.say("m2")
    assert await number() == 1
    await desk.decide(RunEnded(6, 1, "success", "completed"))
    assert await number() == 1
    await desk.say("m3")
    assert await number() == 2
    await desk.say("m4")
    await desk.decide(RunEnded(8, 2, "success", "completed"))
    assert await number() == 3  # m4 was above the basis
    await desk.decide(RunEnded(10, 3, "interrupted", "interrupted"))
    assert await number() == 3
    assert await desk.ledger.run_number("0" * 32) == 0


async def test_a_title_is_the_first_words_on_one_line(ledger: SqlLedger) -> None:
    said = UserSaid("m1", "Fix\0 the\n\n  parser\t" + "and more " * 100_000)

    await ledger.open_session(OWNER, None, OPENED, ATTACHED, said)

    (session,) = await ledger.list_sessions(OWNER)
    assert session.title.startswith("Fix\ufffd the parser and more")
    assert session.title.endswith("…")
    assert len(session.title) <= 80


async def test_a_list_says_how_each_session_fares(desk: Desk) -> None:
    async def status() -> str:
        return (await desk.ledger.list_sessions(OWNER))[0].status

    async def wait(state: CallWaiting) -> None:
        await desk.append_fact(OWNER, desk.session_id, state.state, state)

    assert await status() == "pending"
    await desk.ask("t1", "t2")
    assert await status() == "running"
    await wait(CallWaiting("t1", "asking"))
    assert await status() == "waiting"
    await wait(CallWaiting("t1", "started"))
    assert await status() == "running"
    await desk.say("m2")
    assert await status() == "running"
    await desk.decide(RunParked(8, "executor_away"))
    assert await status() == "waiting"
    await desk.decide(ended(9))
    assert await status() == "completed"
    await desk.answer("t1")
    await desk.append_fact(OWNER, desk.session_id, "late", CallWaiting("t2", "asking"))
    assert await status() == "completed"
    await desk.say("m3")
    assert await status() == "pending"
    await desk.decide(ModelReplied("g2", 13, ""), RunEnded(13, 2, "error", "failed"))
    assert await status() == "error"
    await desk.decide(RunEnded(15, 3, "interrupted", "interrupted"))
    assert await status() == "idle"


async def test_a_deleted_session_leaves_nothing_behind(desk: Desk, place: Place) -> None:
    await desk.ask("t1")
    assert not await desk.ledger.delete_session("owner-2", desk.session_id)

    assert await desk.ledger.delete_session(OWNER, desk.session_id)

    assert not await desk.ledger.delete_session(OWNER, desk.session_id)
    assert await desk.ledger.load(desk.session_id) is None
    assert (
        await place.execute("SELECT session_id FROM events UNION SELECT session_id FROM calls")
        == []
    )
