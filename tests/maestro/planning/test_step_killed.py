"""A step that dies at any of its awaits leaves a ledger on which the next one goes on.

Killed at the first await, at the second, and so on until none is left; what is written is compared
with a run that nobody killed.
"""

import asyncio
import itertools
from collections.abc import Coroutine, Generator
from pathlib import Path
from typing import Any

from maestro.domain.conversation import Reply, TextDelta
from maestro.domain.events import AnyEvent, ModelReplied
from maestro.planning.held import HeldSession
from maestro.planning.step import Stepper
from maestro.ports import Claim
from tests.maestro.bench import MODEL, Bench, git, open_bench
from tests.requirements import covers

SCRIPTS = (
    (TextDelta("Loo"), TextDelta("king"), Reply("Looking", (git("log", "1"), git("show", "2")))),
    Reply("Done."),
)


class KilledAt:
    """Drives a coroutine and cancels it in the n-th of its awaits."""

    def __init__(self, work: Coroutine[Any, Any, bool], await_number: int) -> None:
        self._work = work
        self._left = await_number

    def __await__(self) -> Generator[Any, Any, bool]:
        task = asyncio.current_task()
        assert task is not None
        outcome, error = None, None
        while True:
            try:
                waited = self._work.throw(error) if error else self._work.send(outcome)
            except StopIteration as finished:
                return bool(finished.value)
            self._left -= 1
            if self._left == 0:
                task.cancel()
            outcome, error = None, None
            try:
                outcome = yield waited
            except BaseException as raised:  # it is the step's, to be handled or not
                error = raised


async def undisturbed(folder: Path) -> list[AnyEvent]:
    async with open_bench(folder, SCRIPTS) as bench:
        session_id = await bench.open()
        await bench.run(session_id)
        return await bench.events(session_id)


def without_attempts(events: list[AnyEvent]) -> list[str]:
    """Attempts count up with each kill: the last four digits of a generation's name."""
    return [repr(event).replace("-0002", "-0001").replace("-0003", "-0001") for event in events]


async def step_killed_at(bench: Bench, session_id: str, number: int, nth: int) -> bool:
    """Kill the `number`-th step at its `nth` await; whether it was long enough to be killed."""
    stepper: Stepper = bench.stepper()
    held = HeldSession(session_id, MODEL)
    for _ in range(number):
        if not await stepper.step(held):
            await bench.answer(session_id)
    try:
        await KilledAt(stepper.step(held), nth)
    except asyncio.CancelledError:
        task = asyncio.current_task()
        assert task is not None
        task.uncancel()
        return True
    return False


async def let_the_lease_run_out(bench: Bench, session_id: str) -> None:
    await bench.ledger.renew("nobody")  # behind what a killed step still has under way
    row = await bench.row(session_id)
    claim = Claim(session_id, "worker-1", row.decision, row.attempt, row.lost)
    await bench.ledger.release(claim)


@covers("R-STEP-1")
async def test_a_step_killed_at_any_await_is_made_again(tmp_path: Path) -> None:
    expected = without_attempts(await undisturbed(tmp_path / "whole"))
    kills = 0
    for number in range(5):
        for nth in itertools.count(1):
            async with open_bench(tmp_path / f"{number}-{nth}", SCRIPTS) as bench:
                session_id = await bench.open()
                was_killed = await step_killed_at(bench, session_id, number, nth)
                await let_the_lease_run_out(bench, session_id)
                written = [e for e in await bench.events(session_id) if isinstance(e, ModelReplied)]
                bench.model.scripts = list(SCRIPTS[len(written) :])
                await bench.run(session_id)
                assert without_attempts(await bench.events(session_id)) == expected, (number, nth)
            if not was_killed:
                break
            kills += 1
    assert kills > 10
