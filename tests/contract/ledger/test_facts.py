"""Facts: keys before fences, fences before writing, and what each one does to the row."""

import pytest

from maestro.domain.events import (
    CallWaiting,
    ExecutorAttached,
    ExecutorLost,
    Fact,
    GenerationDropped,
    Interrupted,
    SessionOpened,
    ToolAnswered,
    UserSaid,
)
from maestro.ports import Appended, Claim, Refused
from protocol.wire import Usage
from tests.contract.ledger.desk import (
    ATTACHED,
    ATTACHED_ELSEWHERE,
    OWNER,
    Desk,
    answered,
    asked_of_the_maestro,
    ended,
)
from tests.requirements import covers


async def _append(
    desk: Desk, event: Fact, *, key: str = "fact:1", epoch: int | None = 1
) -> Appended | Refused:
    return await desk.append_fact(OWNER, desk.session_id, key, event, epoch=epoch)


async def test_an_answer_closes_its_call_and_wakes_when_it_is_the_last(desk: Desk) -> None:
    await desk.ask("t1", "t2")
    await desk.settle()

    assert await desk.answer("t1") == Appended(7, 7)
    assert not await desk.is_due()
    assert [call.seq for call in await desk.ledger.open_calls(desk.session_id)] == [6]
    assert await desk.answer("t2") == Appended(8, 8)

    assert await desk.is_due()
    assert (await desk.row()).open_calls == 0
    assert await desk.event(8) == answered("t2")


@covers("R-LEDGER-2")
async def test_the_same_answer_again_is_a_success_with_the_old_seq(desk: Desk) -> None:
    await desk.ask("t1")
    await desk.answer("t1")
    await desk.say("m2")

    assert await desk.answer("t1") == Appended(6, 7, again=True)
    assert (await desk.row()).head == 7


@covers("R-LEDGER-3")
async def test_another_answer_to_the_same_call_is_a_conflict_and_the_first_stays(
    desk: Desk,
) -> None:
    await desk.ask("t1")
    await desk.answer("t1", "first")

    assert await desk.answer("t1", "second") == Refused("conflict")
    assert await desk.event(6) == answered("t1", "first")
    assert (await desk.row()).head == 6


async def test_the_key_is_looked_up_before_the_fence_is_checked(desk: Desk) -> None:
    await desk.ask("t1", "t2")
    await desk.answer("t1")
    await desk.ledger.attach(OWNER, desk.session_id, ATTACHED)

    assert await desk.answer("t1", epoch=1) == Appended(7, 8, again=True)
    assert await desk.answer("t2", epoch=1) == Refused("stale_epoch")


@covers("R-LEDGER-4")
async def test_a_fact_of_an_older_attachment_is_refused(desk: Desk) -> None:
    await desk.ledger.attach(OWNER, desk.session_id, ATTACHED)

    assert await desk.say("m2", epoch=1) == Refused("stale_epoch")
    assert await desk.say("m2", epoch=2) == Appended(5, 5)


async def test_a_fact_of_an_attachment_that_was_given_up_is_refused(desk: Desk) -> None:
    await _append(desk, ExecutorLost(1), epoch=None)

    assert await desk.say("m2", epoch=1) == Refused("stale_epoch")


async def test_a_fact_without_an_epoch_needs_no_attachment(desk: Desk) -> None:
    await _append(desk, ExecutorLost(1))

    assert await desk.say("m2", epoch=None) == Appended(5, 5)


async def test_a_fact_of_another_owner_finds_the_session_gone(desk: Desk) -> None:
    refused = await desk.append_fact("owner-2", desk.session_id, "fact:1", Interrupted(), epoch=1)

    assert refused == Refused("gone")


async def test_an_answer_to_a_call_that_was_never_issued_is_an_unknown_call(desk: Desk) -> None:
    assert await desk.answer("t1") == Refused("unknown_call")
    assert await desk.answer("\0") == Refused("unknown_call")
    assert (await desk.row()).head == 3


async def test_an_answer_with_the_generation_of_another_call_is_an_unknown_call(
    desk: Desk,
) -> None:
    await desk.ask("t1")

    refused = await _append(desk, ToolAnswered("t1", "g2", "success", "ok"))

    assert refused == Refused("unknown_call")
    assert (await desk.row()).open_calls == 1


async def test_an_executor_can_not_answer_for_the_maestro(desk: Desk) -> None:
    await desk.decide(asked_of_the_maestro("t1"), answered("t1"))

    assert await desk.answer("t1", "forged") == Refused("unknown_call")


async def test_a_call_of_another_session_is_an_unknown_call(desk: Desk) -> None:
    await desk.ask("t1")
    stranger = await Desk.open(desk.ledger, "h2")

    assert await stranger.answer("t1") == Refused("unknown_call")


async def test_a_cancelled_call_waits_for_its_answer(desk: Desk) -> None:
    await desk.ask("t1")
    await desk.cancel("t1")
    await desk.settle()
    assert (await desk.row()).open_calls == 1
    assert await desk.ledger.open_calls(desk.session_id) == ()

    assert await desk.answer("t1") == Appended(7, 7)

    assert (await desk.row()).open_calls == 0
    assert await desk.is_due()


async def test_an_answer_to_a_closed_call_is_stored_and_moves_nothing(desk: Desk) -> None:
    await desk.ask("t1", "t2", "t3")
    await desk.cancel("t1", closes=True)
    await desk.settle()
    assert (await desk.row()).open_calls == 2

    assert await desk.answer("t1") == Appended(9, 9)

    assert await desk.event(9) == answered("t1")
    assert (await desk.row()).open_calls == 2
    assert not await desk.is_due()


async def test_an_answer_after_the_end_of_the_run_is_stored_and_wakes_nobody(desk: Desk) -> None:
    await desk.ask("t1")
    await desk.decide(ended(5))

    assert await desk.answer("t1") == Appended(7, 7)

    row = await desk.row()
    assert (row.open_calls, row.due_at) == (0, None)


async def test_a_message_wakes_only_where_no_call_stays_open(desk: Desk) -> None:
    await desk.ask("t1")
    await desk.settle()

    await desk.say("m2")
    assert not await desk.is_due()

    await desk.answer("t1")
    await desk.settle()
    await desk.say("m3")
    assert await desk.is_due()


@covers("R-LEDGER-6")
async def test_an_interrupt_voids_the_running_generation_and_wakes_at_once(desk: Desk) -> None:
    await desk.ask("t1")
    claim = await desk.ledger.claim(desk.session_id, "worker", 1)
    assert isinstance(claim, Claim)
    await desk.settle()

    assert await _append(desk, Interrupted("stop")) == Appended(6, 6)

    row = await desk.row()
    assert (row.decision, row.attempt, row.lost, row.open_calls) == (2, 0, 0, 1)
    assert await desk.is_due()
    assert await desk.ledger.renew("worker") == {}
    voided = await desk.append_decision(desk.session_id, [ended(5)], claim, 5)
    assert voided == Refused("voided")


@covers("R-LEDGER-6")
async def test_a_message_or_an_answer_voids_no_generation(desk: Desk) -> None:
    claim = await desk.ledger.claim(desk.session_id, "worker", 0)
    assert isinstance(claim, Claim)

    await desk.say("m2")

    assert await desk.ledger.renew("worker") == {desk.session_id: (0, 1)}
    decided = await desk.append_decision(desk.session_id, [ended(3)], claim, 3)
    assert decided == Appended(5, 5)


async def test_the_loss_of_an_executor_detaches_it_and_wakes_at_once(desk: Desk) -> None:
    await desk.ask("t1")
    await desk.settle()

    assert await _append(desk, ExecutorLost(1), key="lost:1") == Appended(6, 6)

    row = await desk.row()
    assert (row.attached, row.epoch, row.open_calls) == (False, 1, 1)
    assert await desk.is_due()
    assert await _append(desk, ExecutorLost(1), key="lost:1") == Appended(6, 6, again=True)


async def test_the_loss_of_an_older_attachment_says_nothing_of_the_present_one(
    desk: Desk,
) -> None:
    await desk.ledger.attach(OWNER, desk.session_id, ATTACHED)

    refused = await _append(desk, ExecutorLost(1), epoch=None)

    assert refused == Refused("stale_epoch")
    assert (await desk.row()).attached


@pytest.mark.parametrize("state", ["asking", "started"])
async def test_a_call_that_waits_for_a_human_is_recorded_and_wakes_nobody(
    desk: Desk, state: str
) -> None:
    await desk.ask("t1")
    await desk.settle()
    waiting = CallWaiting("t1", "asking" if state == "asking" else "started")

    assert await _append(desk, waiting) == Appended(6, 6)

    assert not await desk.is_due()
    assert (await desk.row()).open_calls == 1


async def test_the_waiting_of_a_call_that_was_never_issued_is_an_unknown_call(desk: Desk) -> None:
    assert await _append(desk, CallWaiting("t1", "asking")) == Refused("unknown_call")


async def test_what_a_voided_generation_cost_is_recorded(desk: Desk) -> None:
    dropped = GenerationDropped("g1", Usage(input_tokens=7))

    assert await _append(desk, dropped, epoch=None) == Appended(4, 4)
    assert await desk.event(4) == dropped


@pytest.mark.parametrize("event", [SessionOpened("cli"), ExecutorAttached(2, "journal-1")])
async def test_only_an_opening_and_an_attach_write_those_events(desk: Desk, event: Fact) -> None:
    with pytest.raises(TypeError, match=type(event).__name__):
        await _append(desk, event)


async def test_text_of_every_kind_comes_back_as_it_was(desk: Desk) -> None:
    said = UserSaid("m2", "nul \0, quotes ' \" \\, é, \u2028, 🎼, {} %s $1 ?1 :name")

    await _append(desk, said)

    assert await desk.event(4) == said


async def test_a_large_answer_comes_back_whole(desk: Desk) -> None:
    await desk.ask("t1")
    large = "x" * (4 * 1024 * 1024)

    await desk.answer("t1", large)

    assert await desk.event(6) == answered("t1", large)


async def test_calls_bound_to_another_journal_are_not_among_the_open_ones(desk: Desk) -> None:
    await desk.ask("t1")
    await desk.ledger.attach(OWNER, desk.session_id, ATTACHED_ELSEWHERE, take_over=True)

    assert await desk.answer("t1", "late", epoch=2) == Refused("conflict")
    assert await desk.ledger.open_calls(desk.session_id) == ()
