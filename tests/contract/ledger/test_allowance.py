"""What a person's runs may cost together: held in SQL, at the claim, by every worker."""

import asyncio
from typing import Any

from maestro.domain.events import GenerationDropped, ModelReplied, UsageCounted
from maestro.ledger.ledger import SqlLedger
from maestro.ports import Allowance, Claim, Exhausted
from protocol.wire import Usage
from tests.contract.ledger.desk import OWNER, Desk
from tests.contract.ledger.places import Place, elapse
from tests.requirements import covers

DAY = 86_400


async def _desks(ledger: SqlLedger, count: int, owner: str = OWNER) -> list[Desk]:
    return [await Desk.open(ledger, f"{owner}-{number}", owner=owner) for number in range(count)]


async def _claim(desk: Desk, allowance: Allowance, worker: str = "w") -> Claim | Exhausted | None:
    return await desk.ledger.claim(desk.session_id, worker, 0, allowance)


async def _spend(desk: Desk, usage: Usage) -> None:
    claim = await desk.ledger.claim(desk.session_id, "spender", (await desk.row()).decision)
    assert isinstance(claim, Claim)
    events = [ModelReplied("g", 3, "done"), UsageCounted("g", usage)]
    await desk.ledger.append_decision(desk.session_id, events, claim, 3)


def _kinds(outcomes: list[Any]) -> list[str]:
    return sorted(type(outcome).__name__ for outcome in outcomes)


@covers("R-MONEY-1")
async def test_no_more_generations_of_one_person_run_than_allowed(ledger: SqlLedger) -> None:
    desks = await _desks(ledger, 3)
    allowance = Allowance(generations=2)

    claims = [await _claim(desk, allowance) for desk in desks]

    assert _kinds(claims) == ["Claim", "Claim", "Exhausted"]
    refused = claims[2]
    assert isinstance(refused, Exhausted)
    now = (await desks[2].row()).now
    assert refused.why == "generations"
    assert now < refused.again_at < now + 5
    assert isinstance(claims[0], Claim)
    await ledger.release(claims[0])
    assert isinstance(await _claim(desks[2], allowance), Claim)


@covers("R-MONEY-1")
async def test_of_claims_that_race_for_the_last_place_one_gets_it(
    ledger: SqlLedger, other: SqlLedger
) -> None:
    desks = await _desks(ledger, 12)
    allowance = Allowance(generations=3)

    claims = await asyncio.gather(
        *(
            (ledger, other)[number % 2].claim(desk.session_id, f"w{number}", 0, allowance)
            for number, desk in enumerate(desks)
        )
    )

    assert _kinds(claims) == ["Claim"] * 3 + ["Exhausted"] * 9


async def test_one_persons_generations_take_no_place_of_anothers(ledger: SqlLedger) -> None:
    (mine,), (theirs,) = await _desks(ledger, 1, "ada"), await _desks(ledger, 1, "grace")
    allowance = Allowance(generations=1)

    assert isinstance(await _claim(mine, allowance), Claim)
    assert isinstance(await _claim(theirs, allowance), Claim)


async def test_a_lease_that_ran_out_takes_no_place(ledger: SqlLedger, place: Place) -> None:
    first, second = await _desks(ledger, 2)
    allowance = Allowance(generations=1)
    await _claim(first, allowance)

    await elapse(place, 9)

    assert isinstance(await _claim(second, allowance), Claim)


async def test_a_session_that_another_worker_has_is_not_called_exhausted(
    ledger: SqlLedger,
) -> None:
    (desk,) = await _desks(ledger, 1)
    allowance = Allowance(generations=1, tokens_a_day=10)
    await _claim(desk, allowance, "one")

    assert await _claim(desk, allowance, "two") is None
    assert await ledger.claim("none", "w", 0, allowance) is None


@covers("R-MONEY-2")
async def test_a_day_has_so_many_tokens_and_the_next_has_new_ones(
    ledger: SqlLedger, place: Place
) -> None:
    spender, waiting = await _desks(ledger, 2)
    allowance = Allowance(tokens_a_day=100)
    await _spend(spender, Usage(input_tokens=60, output_tokens=39))
    claim = await _claim(waiting, allowance)
    assert isinstance(claim, Claim)
    await ledger.release(claim)

    await ledger.append_fact(
        OWNER, spender.session_id, "dropped:g2", GenerationDropped("g2", Usage(output_tokens=1))
    )
    refused = await _claim(waiting, allowance)

    now = (await waiting.row()).now
    assert refused == Exhausted("tokens", (now // DAY + 1) * DAY)
    await place.execute("UPDATE spending SET day = day - 1")
    assert isinstance(await _claim(waiting, allowance), Claim)


@covers("R-MONEY-2")
async def test_what_was_spent_outlives_the_session(ledger: SqlLedger) -> None:
    spender, waiting = await _desks(ledger, 2)
    await _spend(spender, Usage(input_tokens=100))

    assert await ledger.delete_session(OWNER, spender.session_id)

    assert isinstance(await _claim(waiting, Allowance(tokens_a_day=100)), Exhausted)


async def test_spending_of_one_generation_counts_once(ledger: SqlLedger, place: Place) -> None:
    (desk,) = await _desks(ledger, 1)
    claim = await ledger.claim(desk.session_id, "w", 0)
    assert isinstance(claim, Claim)
    events = [ModelReplied("g", 3, "done"), UsageCounted("g", Usage(input_tokens=7))]

    for _ in range(2):
        await ledger.append_decision(desk.session_id, events, claim, 3)

    assert await place.execute("SELECT owner, tokens FROM spending") == [(OWNER, 7)]


async def test_a_provider_that_claims_absurd_numbers_breaks_nothing(ledger: SqlLedger) -> None:
    spender, waiting = await _desks(ledger, 2)

    await _spend(spender, Usage(input_tokens=10**19))

    assert isinstance(await _claim(waiting, Allowance(tokens_a_day=10**12)), Exhausted)
