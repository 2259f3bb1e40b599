"""Claims, leases and timers, by the database's clock."""

import pytest

from maestro.domain.events import ModelReplied
from maestro.ports import Claim
from tests.contract.ledger.desk import Desk, ended
from tests.contract.ledger.places import Place, elapse


async def test_a_claim_raises_the_attempt_and_keeps_others_out_for_its_lease(
    desk: Desk, place: Place
) -> None:
    claim = await desk.ledger.claim(desk.session_id, "worker-1", 0)

    assert claim == Claim(desk.session_id, "worker-1", 0, 1, 0)
    await elapse(place, 7)
    assert await desk.ledger.claim(desk.session_id, "worker-2", 0) is None
    assert not await desk.is_due()
    await elapse(place, 2)
    assert await desk.is_due()


async def test_a_claim_that_ran_out_counts_as_lost(desk: Desk, place: Place) -> None:
    for lost in range(3):
        claim = await desk.ledger.claim(desk.session_id, f"worker-{lost}", 0)
        assert claim == Claim(desk.session_id, f"worker-{lost}", 0, lost + 1, lost)
        await elapse(place, 9)


async def test_a_worker_takes_its_own_claim_again_and_nobody_lost_it(desk: Desk) -> None:
    first = await desk.ledger.claim(desk.session_id, "worker-1", 0)

    again = await desk.ledger.claim(desk.session_id, "worker-1", 0)

    assert (first, again) == tuple(
        Claim(desk.session_id, "worker-1", 0, attempt, 0) for attempt in (1, 2)
    )
    assert await desk.ledger.claim(desk.session_id, "worker-2", 0) is None


async def test_due_names_ones_own_leases_and_those_that_are_about_to_run_out(
    desk: Desk, place: Place
) -> None:
    await desk.ledger.claim(desk.session_id, "worker-1", 0)
    await elapse(place, 4.0)

    assert await desk.ledger.due(worker="worker-1") == {desk.session_id: 0}
    assert await desk.ledger.due(worker="worker-2", soon=0.1) == {}
    (seconds,) = (await desk.ledger.due(worker="worker-2", soon=5.0)).values()
    assert 0.0 < seconds <= 4.0


async def test_a_decision_forgets_what_was_lost(desk: Desk, place: Place) -> None:
    await desk.ledger.claim(desk.session_id, "worker-1", 0)
    await elapse(place, 9)
    claim = await desk.ledger.claim(desk.session_id, "worker-2", 0)
    assert isinstance(claim, Claim)

    await desk.append_decision(desk.session_id, [ModelReplied("g", 3, "")], claim, 3)

    assert await desk.ledger.claim(desk.session_id, "worker-3", 1) == Claim(
        desk.session_id, "worker-3", 1, 1, 0
    )


async def test_a_claim_that_was_released_is_not_lost(desk: Desk) -> None:
    claim = await desk.ledger.claim(desk.session_id, "worker-1", 0)
    assert isinstance(claim, Claim)

    await desk.ledger.release(claim)

    assert await desk.is_due()
    assert await desk.ledger.claim(desk.session_id, "worker-2", 0) == Claim(
        desk.session_id, "worker-2", 0, 2, 0
    )


async def test_a_claim_that_was_taken_over_can_not_release_the_new_one(
    desk: Desk, place: Place
) -> None:
    older = await desk.ledger.claim(desk.session_id, "worker", 0)
    assert isinstance(older, Claim)
    await elapse(place, 9)
    await desk.ledger.claim(desk.session_id, "worker", 0)

    await desk.ledger.release(older)

    assert await desk.ledger.renew("worker") == {desk.session_id: (0, 2)}


async def test_a_decision_that_has_moved_can_not_be_claimed(desk: Desk) -> None:
    await desk.decide(ended(3))

    assert await desk.ledger.claim(desk.session_id, "worker", 0) is None


async def test_a_session_that_does_not_exist_can_not_be_claimed(desk: Desk) -> None:
    await desk.ledger.delete_session("owner-1", desk.session_id)

    assert await desk.ledger.claim(desk.session_id, "worker", 0) is None


async def test_renewing_prolongs_all_leases_of_a_worker_and_of_no_other(
    desk: Desk, place: Place
) -> None:
    second, third = [await Desk.open(desk.ledger, f"h{n}") for n in (2, 3)]
    for mine in (desk, second):
        await desk.ledger.claim(mine.session_id, "worker-1", 0)
    await desk.ledger.claim(third.session_id, "worker-2", 0)
    await elapse(place, 7)

    held = await desk.ledger.renew("worker-1")

    assert held == {desk.session_id: (0, 1), second.session_id: (0, 1)}
    await elapse(place, 7)
    assert await desk.ledger.due() == {third.session_id: 0}


async def test_a_broken_stream_is_tried_again_under_the_same_lease(
    desk: Desk, place: Place
) -> None:
    claim = await desk.ledger.claim(desk.session_id, "worker-1", 0)
    assert isinstance(claim, Claim)

    again = await desk.ledger.reattempt(claim)

    assert isinstance(again, Claim)
    assert again == Claim(desk.session_id, "worker-1", 0, 2, 0)
    assert await desk.ledger.claim(desk.session_id, "worker-2", 0) is None
    assert await desk.ledger.reattempt(claim) is None
    await elapse(place, 9)
    await desk.ledger.claim(desk.session_id, "worker-2", 0)
    assert await desk.ledger.reattempt(again) is None


async def test_a_timer_is_set_only_where_nothing_came_meanwhile(desk: Desk) -> None:
    await desk.say("m2")

    assert not await desk.ledger.rest(desk.session_id, 3, None)
    assert await desk.is_due()
    assert await desk.ledger.rest(desk.session_id, 4, None)
    assert not await desk.is_due()
    assert (await desk.row()).due_at is None


async def test_a_timer_goes_off(desk: Desk, place: Place) -> None:
    row = await desk.row()
    await desk.ledger.rest(desk.session_id, row.head, row.now + 10)
    assert not await desk.is_due()

    await elapse(place, 11)

    assert await desk.is_due()


async def test_a_fact_that_wakes_nobody_leaves_the_timer(desk: Desk) -> None:
    await desk.ask("t1")
    assert await desk.ledger.rest(desk.session_id, 5, 9e9)

    await desk.say("m2")

    assert (await desk.row()).due_at == 9e9


@pytest.mark.parametrize("limit", [1, 2])
async def test_the_longest_forgotten_are_due_first(desk: Desk, place: Place, limit: int) -> None:
    await elapse(place, 5)
    second = await Desk.open(desk.ledger, "h2")

    due = await desk.ledger.due(limit)

    assert list(due) == [desk.session_id, second.session_id][:limit]
