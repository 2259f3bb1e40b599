"""What a run does that its owner's allowance leaves no room for."""

from pathlib import Path

from maestro.domain.conversation import Reply
from maestro.domain.events import RunParked
from maestro.domain.frames import status_after
from maestro.planning.held import HeldSession
from maestro.ports import Allowance, Claim, Live
from protocol.from_maestro import StatusChanged
from protocol.wire import Usage
from tests.maestro.bench import MODEL, open_bench
from tests.requirements import covers


@covers("R-MONEY-1")
async def test_it_waits_for_a_place_and_says_so(tmp_path: Path) -> None:
    async with open_bench(tmp_path, allowance=Allowance(generations=1)) as bench:
        busy, waiting = await bench.open("one"), await bench.open("two")
        claim = await bench.ledger.claim(busy, "another", 0)
        assert isinstance(claim, Claim)
        held = HeldSession(waiting, MODEL)
        async with bench.bus.subscribe(waiting) as subscription:
            assert not await bench.stepper().step(held)
            told = await anext(aiter(subscription))

        words = "your other runs use all the generations you may have at once"
        assert told == Live(StatusChanged("running", 0, words))
        row = await bench.row(waiting)
        assert row.due_at is not None
        assert row.now < row.due_at < row.now + 5
        assert bench.model.requests == []
        await bench.ledger.release(claim)
        await bench.run(waiting, held)
        assert await bench.ends(waiting) == [("success", "completed")]


@covers("R-MONEY-2")
async def test_without_tokens_it_parks_until_the_next_day(tmp_path: Path) -> None:
    scripts = [(Reply("Done.", usage=Usage(input_tokens=60, output_tokens=40)),)]
    async with open_bench(tmp_path, scripts, allowance=Allowance(tokens_a_day=100)) as bench:
        first, second = await bench.open("one"), await bench.open("two")
        await bench.run(first)

        await bench.run(second)

        row, (*_, stored) = await bench.row(second), await bench.stored(second)
        parked = stored.event
        assert isinstance(parked, RunParked)
        assert (parked.reason, row.due_at) == ("rate_limited", parked.wake_at)
        assert parked.wake_at is not None
        assert parked.wake_at % 86_400 == 0
        assert row.now < parked.wake_at <= row.now + 86_400
        shown = status_after(StatusChanged("running"), stored)
        assert (shown.status, shown.step) == ("waiting", parked.why)
        assert "tokens of this day are used up" in parked.why
        assert len(bench.model.requests) == 1
