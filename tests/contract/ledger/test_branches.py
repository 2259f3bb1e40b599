"""Going back in a session and branching off from it: what stands, and what is refused."""

import pytest

from maestro.domain.events import Forked, Rewound
from maestro.ports import Attached, Branched, BranchRefused
from tests.contract.ledger.desk import ATTACHED_ELSEWHERE, OWNER, Desk, asked, ended
from tests.requirements import covers

HIGH = 2**31 - 1


async def _turn(desk: Desk, message_id: str | None = None) -> int:
    """Something is said and the run ends; the end's seq."""
    if message_id is not None:
        await desk.say(message_id)
    await desk.decide(ended((await desk.row()).head))
    return (await desk.row()).head


async def _rewind(desk: Desk, to_seq: int, name: str = "r1") -> Branched | BranchRefused:
    return await desk.ledger.rewind(OWNER, desk.session_id, name, to_seq)


async def _fork(desk: Desk, at_seq: int = HIGH, name: str = "f1") -> Branched | BranchRefused:
    return await desk.ledger.fork(OWNER, desk.session_id, name, at_seq)


@covers("R-BRANCH-1")
async def test_a_session_goes_back_to_the_end_of_the_turn_before(desk: Desk) -> None:
    first = await _turn(desk)
    second = await _turn(desk, "m2")
    before = await desk.row()

    outcome = await _rewind(desk, second - 1)

    after = await desk.row()
    assert outcome == Branched(desk.session_id, first, second + 1)
    assert await desk.event(second + 1) == Rewound(first)
    assert after.decision == before.decision + 1  # whatever is generated for it is void
    assert not await desk.is_due()


async def test_a_session_goes_back_to_where_nothing_was_said(desk: Desk) -> None:
    first = await _turn(desk)

    assert await _rewind(desk, first - 1) == Branched(desk.session_id, 0, first + 1)


async def test_the_same_rewind_again_is_the_first_one(desk: Desk) -> None:
    first = await _turn(desk)
    await _turn(desk, "m2")
    once = await _rewind(desk, first)

    assert await _rewind(desk, first) == once
    assert isinstance(once, Branched)
    assert (await desk.row()).head == once.head


async def test_nobody_goes_back_while_a_run_is_open(desk: Desk) -> None:
    assert await _rewind(desk, 0) == BranchRefused("run_open")
    await _turn(desk)
    assert isinstance(await _rewind(desk, 0), Branched)
    await desk.say("m2")

    assert await _rewind(desk, 0, "r2") == BranchRefused("run_open")


async def test_what_was_said_while_a_run_ended_keeps_it_from_going_back(desk: Desk) -> None:
    head = (await desk.row()).head
    await desk.say("m2")
    await desk.decide(ended(head), basis=head)

    assert await _rewind(desk, HIGH) == BranchRefused("run_open")


async def test_a_turn_that_was_taken_back_is_no_place_to_go_back_to(desk: Desk) -> None:
    first = await _turn(desk)
    second = await _turn(desk, "m2")
    await _rewind(desk, first)
    third = await _turn(desk, "m3")

    outcome = await _rewind(desk, second, "r2")

    assert outcome == Branched(desk.session_id, first, third + 1)


@covers("R-BRANCH-2")
async def test_a_fork_begins_as_its_origin_did_and_goes_its_own_way(desk: Desk) -> None:
    first = await _turn(desk)
    await _turn(desk, "m2")

    forked = await _fork(desk, first + 1)

    assert isinstance(forked, Branched)
    assert (forked.at_seq, forked.head) == (first, first + 1)
    branch = Desk(desk.ledger, forked.session_id)
    assert (await branch.load()).events[:-1] == (await desk.load()).events[:first]
    assert await branch.event(first + 1) == Forked(desk.session_id)
    row = await branch.row()
    assert (row.attached, row.journal_id, row.due_at, row.open_calls) == (False, None, None, 0)
    found = await desk.ledger.attach(OWNER, forked.session_id, ATTACHED_ELSEWHERE)
    assert isinstance(found, Attached)
    await branch.say("m3", epoch=found.epoch)
    assert (await desk.row()).head == first + 2


async def test_the_same_fork_again_is_the_same_session(desk: Desk) -> None:
    await _turn(desk)

    assert await _fork(desk) == await _fork(desk)
    assert len(await desk.ledger.list_sessions(OWNER)) == 2


async def test_a_fork_can_be_forked(desk: Desk) -> None:
    first = await _turn(desk)
    child = await _fork(desk)
    assert isinstance(child, Branched)

    grandchild = await _fork(Desk(desk.ledger, child.session_id), name="f2")

    assert isinstance(grandchild, Branched)
    assert (grandchild.at_seq, grandchild.head) == (first, first + 1)
    assert grandchild.session_id != child.session_id


async def test_calls_of_a_fork_are_known_and_closed(desk: Desk) -> None:
    await desk.ask("t1", "t2")
    await desk.answer("t1")
    await _turn(desk)
    forked = await _fork(desk)
    assert isinstance(forked, Branched)
    branch = Desk(desk.ledger, forked.session_id)

    assert await desk.ledger.open_calls(forked.session_id) == ()
    with pytest.raises(ValueError, match="was issued before"):
        await branch.decide(asked("t2"))


async def test_a_fork_of_a_turn_that_was_taken_back_has_that_turn(desk: Desk) -> None:
    """Its own history: the rewind came later."""
    first = await _turn(desk)
    second = await _turn(desk, "m2")
    await _rewind(desk, first)

    before_the_rewind = await _fork(desk, second, "f1")
    after_the_rewind = await _fork(desk, HIGH, "f2")

    assert isinstance(before_the_rewind, Branched)
    assert isinstance(after_the_rewind, Branched)
    assert (before_the_rewind.at_seq, after_the_rewind.at_seq) == (second, first)


async def test_a_running_session_is_forked_at_its_last_whole_turn(desk: Desk) -> None:
    first = await _turn(desk)
    await desk.say("m2")

    forked = await _fork(desk)

    assert isinstance(forked, Branched)
    assert forked.at_seq == first


async def test_another_owners_session_is_neither_rewound_nor_forked(desk: Desk) -> None:
    await _turn(desk)
    gone = BranchRefused("gone")

    assert await desk.ledger.rewind("owner-2", desk.session_id, "r1", 0) == gone
    assert await desk.ledger.fork("owner-2", desk.session_id, "f1", HIGH) == gone
    assert await desk.ledger.fork(OWNER, "nowhere", "f1", HIGH) == gone
    assert await desk.ledger.list_sessions("owner-2") == ()
