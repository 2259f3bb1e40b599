"""Cancelled calls and outcomes that nobody learned: made again, everything is there once."""

import asyncio
from collections.abc import Awaitable

import pytest

from maestro.domain.events import ModelReplied, UserSaid
from maestro.errors import LedgerUnavailable
from maestro.ledger.ledger import SqlLedger
from maestro.ports import Appended, Attached, Claim, Opened
from tests.contract.ledger.desk import ATTACHED, OPENED, OWNER, SAID, Desk
from tests.requirements import covers

STEPS = range(0, 60, 2)


async def _cancelled_after(steps: int, call: Awaitable[object]) -> None:
    """Run `call` for so many rounds of the loop, then cancel it."""
    task = asyncio.ensure_future(call)
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@covers("R-LEDGER-9")
async def test_a_fact_cancelled_anywhere_and_made_again_is_there_once(desk: Desk) -> None:
    for number, steps in enumerate(STEPS):
        await _cancelled_after(steps, desk.say(f"c{steps}"))

        assert isinstance(await desk.say(f"c{steps}"), Appended)
        assert (await desk.row()).head == 4 + number

    keys = await desk.keys()
    assert keys[3:] == [f"user:c{steps}" for steps in STEPS]


async def test_a_decision_cancelled_anywhere_and_made_again_is_there_once(desk: Desk) -> None:
    for number, steps in enumerate(STEPS):
        claim = Claim(desk.session_id, "worker", number, 0, 0)
        events = [ModelReplied(f"g{number}", 3, "one"), UserSaid("x", "two")]

        def decide(events: list[ModelReplied | UserSaid], claim: Claim) -> Awaitable[object]:
            return desk.append_decision(desk.session_id, events, claim, 3)

        await _cancelled_after(steps, decide(events, claim))

        assert isinstance(await decide(events, claim), Appended)
        row = await desk.row()
        assert (row.decision, row.head) == (number + 1, 5 + 2 * number)


async def test_an_opening_cancelled_anywhere_and_made_again_is_one_session(
    ledger: SqlLedger,
) -> None:
    for steps in STEPS:
        await _cancelled_after(
            steps, ledger.open_session(OWNER, f"c{steps}", OPENED, ATTACHED, SAID)
        )

        opened = await ledger.open_session(OWNER, f"c{steps}", OPENED, ATTACHED, SAID)
        assert isinstance(opened, Opened)
        assert opened.head == (4 if opened.again else 3)

    assert len(await ledger.list_sessions(OWNER)) == len(STEPS)


async def test_an_attach_cancelled_anywhere_leaves_no_half(desk: Desk) -> None:
    for steps in STEPS:
        await _cancelled_after(steps, desk.ledger.attach(OWNER, desk.session_id, ATTACHED))

    attached = await desk.ledger.attach(OWNER, desk.session_id, ATTACHED)
    assert isinstance(attached, Attached)
    assert attached.head == attached.epoch + 2


async def test_a_cancelled_call_leaves_its_reply_to_nobody(ledger: SqlLedger) -> None:
    desks = [await Desk.open(ledger, f"h{number}") for number in range(4)]

    async def ask(number: int) -> None:
        desk = desks[number % len(desks)]
        assert await ledger.heads([desk.session_id]) == {desk.session_id: (3, 1)}
        assert (await desk.row()).session_id == desk.session_id

    for steps in STEPS:
        await asyncio.gather(
            *(_cancelled_after(steps, ask(number)) for number in range(8)),
            *(ask(number) for number in range(8)),
        )


async def test_many_calls_at_once_wait_for_their_turn(ledger: SqlLedger) -> None:
    await asyncio.gather(*(ledger.due() for _ in range(100)), *(ledger.check() for _ in range(100)))


async def test_a_closed_ledger_is_unavailable_and_closes_again(ledger: SqlLedger) -> None:
    await ledger.close()

    with pytest.raises(LedgerUnavailable):
        await ledger.due()
    await ledger.close()
