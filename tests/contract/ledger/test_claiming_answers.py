"""An answer that leaves no call open may take the claim of the generation that follows it."""

import asyncio

from maestro.ledger.ledger import SqlLedger
from maestro.ports import Allowance, Appended, Claim, Claimant, Refused
from tests.contract.ledger.desk import OWNER, Desk, answered, ended

WORKER = Claimant("worker-1")


async def _answer(
    desk: Desk, tool_id: str, claimant: Claimant | None = WORKER, ledger: SqlLedger | None = None
) -> Appended:
    outcome = await (ledger or desk.ledger).append_fact(
        OWNER, desk.session_id, f"tool:{tool_id}", answered(tool_id), epoch=1, claimant=claimant
    )
    assert isinstance(outcome, Appended)
    return outcome


async def test_the_last_answer_takes_the_claim_as_a_claim_would(desk: Desk) -> None:
    await desk.ask("t1", "t2")

    first, last = await _answer(desk, "t1"), await _answer(desk, "t2")

    row = await desk.row()
    assert first.claim is None
    assert last.claim == Claim(desk.session_id, "worker-1", row.decision, 1, 0)
    assert row.attempt == 1
    assert last.written is not None
    assert last.written.row.attempt == 1
    assert await desk.ledger.claim(desk.session_id, "worker-2", row.decision) is None
    assert not await desk.is_due()
    assert last.claim is not None
    decided = await desk.append_decision(desk.session_id, (ended(row.head),), last.claim, row.head)
    assert decided == Appended(row.head + 1, row.head + 1)


async def test_a_claim_that_came_with_an_answer_is_given_back_like_any_other(desk: Desk) -> None:
    await desk.ask("t1")
    claim = (await _answer(desk, "t1")).claim
    assert claim is not None

    await desk.ledger.release(claim)

    assert await desk.is_due()
    assert await desk.ledger.claim(desk.session_id, "worker-2", claim.decision)


async def test_an_answer_without_a_claimant_claims_nothing_however_many_there_are(
    desk: Desk,
) -> None:
    for number in range(12):  # a server plans a statement anew once it has seen it some times
        await desk.ask(f"t{number}")
        assert (await _answer(desk, f"t{number}", None)).claim is None

        assert (await desk.row()).attempt == 0
        assert await desk.is_due()


async def test_a_session_that_was_claimed_since_its_last_decision_is_not_claimed_by_an_answer(
    desk: Desk,
) -> None:
    await desk.ask("t1")
    row = await desk.row()
    claim = await desk.ledger.claim(desk.session_id, WORKER.worker, row.decision)
    assert isinstance(claim, Claim)

    assert (await _answer(desk, "t1")).claim is None
    assert (await desk.row()).attempt == claim.attempt


async def test_an_answer_is_written_where_the_allowance_has_no_room_for_a_claim(
    ledger: SqlLedger,
) -> None:
    bound = Claimant("worker-1", Allowance(generations=1))
    desks = [await Desk.open(ledger, handshake) for handshake in ("h1", "h2")]
    for desk in desks:
        await desk.ask("t1")

    first, second = [await _answer(desk, "t1", bound) for desk in desks]

    assert first.claim is not None
    assert second.claim is None
    assert (await desks[1].row()).open_calls == 0
    assert (await desks[1].row()).attempt == 0
    assert await desks[1].is_due()


async def test_the_same_answer_again_brings_no_second_claim(desk: Desk) -> None:
    await desk.ask("t1")
    first = await _answer(desk, "t1")

    again = await _answer(desk, "t1")

    assert again == Appended(first.seq, first.head, again=True)
    assert (await desk.row()).attempt == 1


async def test_of_answers_that_race_in_two_processes_one_takes_the_claim(
    ledger: SqlLedger, other: SqlLedger, desk: Desk
) -> None:
    tool_ids = [f"t{number}" for number in range(6)]
    await desk.ask(*tool_ids)

    outcomes = await asyncio.gather(
        *(
            _answer(desk, tool_id, Claimant(f"worker-{number % 2}"), (ledger, other)[number % 2])
            for number, tool_id in enumerate(tool_ids)
        )
    )

    claims = [outcome.claim for outcome in outcomes if outcome.claim is not None]
    row = await desk.row()
    assert len(claims) == 1
    assert (row.open_calls, row.attempt) == (0, 1)


async def test_an_answer_that_is_refused_claims_nothing(desk: Desk) -> None:
    await desk.ask("t1")

    refused = await desk.ledger.append_fact(
        OWNER, desk.session_id, "tool:t1", answered("t1"), epoch=2, claimant=WORKER
    )

    assert refused == Refused("stale_epoch")
    assert (await desk.row()).attempt == 0
