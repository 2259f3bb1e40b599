"""Decisions: compare-and-set, all rows or none, and when the session is due again."""

import pytest

from maestro.domain.events import (
    AnyEvent,
    BootstrapAsked,
    ModelReplied,
    RunParked,
    RunWoken,
    StoredEvent,
    ToolAsked,
    UsageCounted,
)
from maestro.ledger.ledger import SqlLedger
from maestro.ports import Appended, Claim, Refused
from protocol.wire import Usage
from tests.contract.ledger.desk import (
    Desk,
    answered,
    asked,
    asked_of_the_maestro,
    ended,
)
from tests.contract.ledger.places import Place, elapse
from tests.requirements import covers

REPLIED = ModelReplied("g1", 3, "I shall list the files.")


async def _claimed(desk: Desk, worker: str = "worker") -> Claim:
    claim = await desk.ledger.claim(desk.session_id, worker, (await desk.row()).decision)
    assert isinstance(claim, Claim)
    return claim


async def test_a_decision_writes_all_its_rows_and_binds_its_calls(desk: Desk) -> None:
    claim = await _claimed(desk)
    events = [REPLIED, asked("t1"), asked_of_the_maestro("t2"), answered("t2")]

    appended = await desk.append_decision(desk.session_id, events, claim, 3)

    assert appended == Appended(4, 7)
    loaded = await desk.load()
    at = loaded.events[-1].at
    assert loaded.events[3:] == (
        StoredEvent(4, "decision:1", REPLIED, at),
        StoredEvent(
            5,
            "decision:1:1",
            ToolAsked("t1", "g1", "Shell", {"command": "ls"}, bound_to="journal-1"),
            at,
        ),
        StoredEvent(6, "decision:1:2", asked_of_the_maestro("t2"), at),
        StoredEvent(7, "decision:1:3", answered("t2"), at),
    )
    row = loaded.row
    assert (row.decision, row.attempt, row.lost, row.open_calls) == (1, 0, 0, 1)


async def test_a_decision_frees_the_lease(desk: Desk) -> None:
    claim = await _claimed(desk)

    await desk.append_decision(desk.session_id, [REPLIED], claim, 3)

    assert await desk.ledger.renew("worker") == {}
    assert await desk.ledger.claim(desk.session_id, "another", 1) == Claim(
        desk.session_id, "another", 1, 1, 0
    )


@covers("R-LEDGER-2")
async def test_the_same_decision_again_is_a_success_with_the_old_seq(desk: Desk) -> None:
    claim = await _claimed(desk)
    events = [REPLIED, asked("t1")]
    await desk.append_decision(desk.session_id, events, claim, 3)
    await desk.say("m2")

    again = await desk.append_decision(desk.session_id, events, claim, 3)

    assert again == Appended(4, 6, again=True)
    assert (await desk.row()).head == 6


async def test_a_call_that_opens_a_decision_is_known_again(desk: Desk) -> None:
    claim = await _claimed(desk)
    await desk.append_decision(desk.session_id, [asked("t1")], claim, 3)

    again = await desk.append_decision(desk.session_id, [asked("t1")], claim, 3)

    assert again == Appended(4, 4, again=True)


@covers("R-LEDGER-5")
async def test_a_claim_that_was_taken_over_voids_the_older_decision(
    desk: Desk, place: Place
) -> None:
    older = await _claimed(desk, "worker-1")
    await elapse(place, 9)
    newer = await _claimed(desk, "worker-2")

    assert await desk.append_decision(desk.session_id, [REPLIED], older, 3) == Refused("voided")
    assert await desk.append_decision(desk.session_id, [ended(3)], newer, 3) == Appended(4, 4)
    assert await desk.append_decision(desk.session_id, [REPLIED], older, 3) == Refused("voided")


async def test_a_lease_that_ran_out_and_was_not_taken_still_decides(
    desk: Desk, place: Place
) -> None:
    claim = await _claimed(desk)
    await elapse(place, 60)

    assert await desk.append_decision(desk.session_id, [REPLIED], claim, 3) == Appended(4, 4)


async def test_a_retry_of_the_stream_voids_what_the_broken_one_would_decide(desk: Desk) -> None:
    claim = await _claimed(desk)
    retried = await desk.ledger.reattempt(claim)
    assert retried is not None

    refused = await desk.append_decision(desk.session_id, [REPLIED], claim, 3)

    assert refused == Refused("voided")
    assert await desk.append_decision(desk.session_id, [REPLIED], retried, 3) == Appended(4, 4)


async def test_a_decision_about_no_session_finds_it_gone(ledger: SqlLedger) -> None:
    claim = Claim("0" * 32, "worker", 0, 0, 0)

    assert await ledger.append_decision("0" * 32, [REPLIED], claim, 3) == Refused("gone")


async def test_a_decision_below_the_head_is_due_at_once_whatever_it_says(desk: Desk) -> None:
    await desk.say("m2")

    await desk.decide(ended(3), basis=3)

    assert await desk.is_due()


@pytest.mark.parametrize(
    ("events", "due"),
    [
        pytest.param([REPLIED], True, id="nothing-open"),
        pytest.param([REPLIED, asked("t1")], True, id="a-timer-is-still-to-be-set"),
        pytest.param([RunWoken(3)], True, id="woken"),
        pytest.param([REPLIED, ended(3)], False, id="ended"),
        pytest.param([RunParked(3, "poison")], False, id="parked"),
        pytest.param([RunParked(3, "rate_limited", wake_at=1.0)], True, id="wakes-in-the-past"),
        pytest.param([RunParked(3, "rate_limited", wake_at=9e9)], False, id="wakes-later"),
    ],
)
async def test_a_decision_says_when_the_session_is_due(
    desk: Desk, events: list[AnyEvent], *, due: bool
) -> None:
    await desk.decide(*events)

    assert await desk.is_due() == due


async def test_a_parked_run_keeps_its_calls_open_and_its_timer(desk: Desk) -> None:
    await desk.ask("t1")

    await desk.decide(RunParked(5, "executor_away", wake_at=9e9))

    row = await desk.row()
    assert (row.open_calls, row.due_at) == (1, 9e9)


async def test_the_end_of_a_run_closes_every_call_also_its_own(desk: Desk) -> None:
    await desk.ask("t1", "t2")
    await desk.cancel("t2")

    await desk.decide(asked("t3"), ended(7))

    assert (await desk.row()).open_calls == 0
    assert await desk.ledger.open_calls(desk.session_id) == ()
    await desk.answer("t3")
    await desk.answer("t1")
    assert (await desk.row()).open_calls == 0


async def test_a_call_is_cancelled_once_and_closed_once(desk: Desk) -> None:
    await desk.ask("t1", "t2")
    await desk.answer("t2")

    await desk.cancel("t1")
    await desk.cancel("t1", closes=True)
    await desk.cancel("t1", closes=True)
    await desk.cancel("t2", closes=True)

    assert (await desk.row()).open_calls == 0


async def test_bootstrap_calls_are_asked_in_one_append(desk: Desk) -> None:
    calls = [ToolAsked(f"b{n}", "bootstrap", "ReadFile", {}) for n in range(4)]

    assert await desk.decide(BootstrapAsked(3), *calls) == Appended(4, 8)
    assert (await desk.row()).open_calls == 4


async def test_a_tool_id_is_issued_once_in_a_session(desk: Desk) -> None:
    await desk.ask("t1")

    with pytest.raises(ValueError, match="t1"):
        await desk.decide(asked("t1"))
    with pytest.raises(ValueError, match="t2"):
        await desk.decide(asked("t2"), asked("t2"))
    assert (await desk.row()).head == 5


async def test_a_decision_has_at_least_one_event(desk: Desk) -> None:
    with pytest.raises(ValueError, match="at least one"):
        await desk.decide()


async def test_usage_counts_as_a_row_like_any_other(desk: Desk) -> None:
    usage = UsageCounted("g1", Usage(input_tokens=10, cost_usd=0.1))

    assert await desk.decide(REPLIED, usage) == Appended(4, 5)
    assert await desk.event(5) == usage
