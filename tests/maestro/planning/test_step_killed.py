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
from maestro.domain.events import AnyEvent
from maestro.planning.held import HeldSession
from maestro.planning.step import Stepper
from tests.maestro.bench import MODEL, Bench, git, open_bench

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
        outcome: Any = None
        error: BaseException | None = None
        while True:
            try:
                waited = self._work.send(outcome) if error is None else self._work.throw(error)
            except StopIteration as finished:
                return bool(finished.value)
            self._left -= 1
            error = None
            if self._left == 0:
                # The task goes on to run what the step does on its way out.
                if waited is not None:
                    waited.cancel()
                    error = asyncio.CancelledError()
                    yield
                    continue
                error = asyncio.CancelledError()
                continue
            try:
                outcome = yield waited
            except BaseException as raised:
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
        return True
    return False


async def test_a_step_killed_at_any_await_is_made_again(tmp_path: Path) -> None:
    expected = without_attempts(await undisturbed(tmp_path / "whole"))
    kills = 0
    for number in range(5):
        for nth in itertools.count(1):
            async with open_bench(tmp_path / f"{number}-{nth}", SCRIPTS) as bench:
                session_id = await bench.open()
                was_killed = await step_killed_at(bench, session_id, number, nth)
                told = len(bench.model.requests)
                bench.model.scripts = list(SCRIPTS[1 if await answered(bench, session_id) else 0 :])
                await bench.run(session_id)
                assert without_attempts(await bench.events(session_id)) == expected, (number, nth)
                assert told <= 3
            if not was_killed:
                break
            kills += 1
    assert kills > 20


async def answered(bench: Bench, session_id: str) -> bool:
    """Whether the first generation is in the ledger."""
    return (await bench.row(session_id)).decision > 0
