"""Several processes at one session: numbers without gaps, and one winner."""

import asyncio

from maestro.domain.events import ExecutorAttached, ExecutorLost, ModelReplied
from maestro.ledger.ledger import SqlLedger
from maestro.ports import Appended, Attached, AttachRefused, Claim, Ledger, Opened, Refused
from tests.contract.ledger.desk import (
    ATTACHED,
    ATTACHED_ELSEWHERE,
    OPENED,
    OWNER,
    SAID,
    Desk,
    answered,
    bare,
)
from tests.requirements import covers

ROUNDS = 20


def _both(ledger: SqlLedger, other: SqlLedger, desk: Desk) -> tuple[Desk, Desk]:
    return Desk(ledger, desk.session_id), Desk(other, desk.session_id)


@covers("R-LEDGER-1")
async def test_racing_appends_are_all_written_without_a_gap(
    ledger: SqlLedger, other: SqlLedger, desk: Desk
) -> None:
    here, there = _both(ledger, other, desk)

    appended = await asyncio.gather(
        *(here.say(f"here-{number}") for number in range(50)),
        *(there.say(f"there-{number}") for number in range(50)),
    )

    seqs = sorted(one.seq for one in appended if isinstance(one, Appended))
    assert seqs == list(range(4, 104))
    events = (await desk.load()).events
    assert [event.seq for event in events] == list(range(1, 104))
    assert [event.at for event in events] == sorted(event.at for event in events)


async def test_of_the_same_answers_that_race_one_is_written(
    ledger: SqlLedger, other: SqlLedger, desk: Desk
) -> None:
    tool_ids = [f"t{number}" for number in range(ROUNDS)]
    await desk.ask(*tool_ids)

    async def answer(ledger: Ledger, tool_id: str, result: str) -> Appended | Refused:
        return await ledger.append_fact(
            OWNER, desk.session_id, f"tool:{tool_id}", answered(tool_id, result), epoch=1
        )

    outcomes = await asyncio.gather(
        *(
            answer(one, tool_id, result)
            for tool_id in tool_ids
            for one in (ledger, other)
            for result in ("first", "second")
        )
    )

    written = [one for one in outcomes if isinstance(one, Appended) and not one.again]
    assert len(written) == ROUNDS
    assert outcomes.count(Refused("conflict")) == 2 * ROUNDS
    row = await desk.row()
    assert (row.open_calls, row.head) == (0, 4 + 2 * ROUNDS)


async def test_of_racing_claims_one_wins(ledger: SqlLedger, other: SqlLedger, desk: Desk) -> None:
    claims = await asyncio.gather(
        *(
            one.claim(desk.session_id, f"worker-{number}-of-{id(one)}", 0)
            for number in range(ROUNDS)
            for one in (ledger, other)
        )
    )

    assert len([claim for claim in claims if claim is not None]) == 1


async def test_of_racing_decisions_one_is_written(
    ledger: SqlLedger, other: SqlLedger, desk: Desk
) -> None:
    claim = Claim(desk.session_id, "worker", 0, 0, 0)

    outcomes = await asyncio.gather(
        *(
            one.append_decision(desk.session_id, [ModelReplied(f"g{number}", 3, "")], claim, 3)
            for number, one in enumerate([ledger, other] * ROUNDS)
        )
    )

    assert [bare(one) for one in outcomes].count(Appended(4, 4)) == 1
    assert outcomes.count(Refused("voided")) == 2 * ROUNDS - 1
    assert (await desk.row()).head == 4


@covers("R-LEDGER-7")
async def test_of_racing_executors_exactly_one_is_attached(
    ledger: SqlLedger, other: SqlLedger
) -> None:
    for number in range(ROUNDS):
        desk = await Desk.open(ledger, f"race-{number}")
        claimed = await asyncio.gather(
            ledger.attach(OWNER, desk.session_id, ATTACHED_ELSEWHERE),
            desk.ledger.attach(OWNER, desk.session_id, ATTACHED),
            other.attach(OWNER, desk.session_id, ATTACHED_ELSEWHERE),
        )

        assert claimed == [
            AttachRefused("already_attached"),
            Attached(desk.session_id, 2, 4),
            AttachRefused("already_attached"),
        ]


async def test_of_racing_strangers_to_a_lost_executor_exactly_one_gets_in(
    ledger: SqlLedger, other: SqlLedger, desk: Desk
) -> None:
    strangers = [ExecutorAttached(0, f"stranger-{number}") for number in range(ROUNDS)]
    await ledger.append_fact(OWNER, desk.session_id, "lost:1", ExecutorLost(1), epoch=1)

    attached = await asyncio.gather(
        *(
            one.attach(OWNER, desk.session_id, stranger)
            for stranger, one in zip(strangers, [ledger, other] * ROUNDS, strict=False)
        )
    )

    assert attached.count(Attached(desk.session_id, 2, 5)) == 1
    assert attached.count(AttachRefused("already_attached")) == ROUNDS - 1


async def test_of_racing_handshakes_one_opens_and_the_others_attach(
    ledger: SqlLedger, other: SqlLedger
) -> None:
    outcomes = await asyncio.gather(
        *(one.open_session(OWNER, "h1", OPENED, ATTACHED, SAID) for one in [ledger, other] * ROUNDS)
    )

    opened = [one for one in outcomes if isinstance(one, Opened)]
    assert len({one.session_id for one in opened}) == 1
    assert sorted(one.epoch for one in opened) == list(range(1, 2 * ROUNDS + 1))
    assert [one.again for one in opened].count(False) == 1
