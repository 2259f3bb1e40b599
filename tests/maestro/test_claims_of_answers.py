"""A claim that came with an answer: used by the generation that follows, or given back."""

import asyncio
from pathlib import Path

import msgspec

from maestro.domain.conversation import Reply
from maestro.domain.events import ModelReplied, RunEnded, ToolAnswered, ToolAsked
from maestro.llm.scripted import Pause
from maestro.planning.held import HeldSession
from maestro.ports import Appended, Claim, Claimant
from maestro.worker import Worker
from tests.maestro.bench import MODEL, OWNER, Bench, git, open_bench
from tests.maestro.test_worker import SETTINGS, running, until

CALLING = Reply("", (git("log"),))
NEVER = msgspec.structs.replace(SETTINGS, look_for_due=1000.0)
"""What is not nudged is not stepped."""


async def _answer(bench: Bench, session_id: str, claimant: Claimant | None) -> Appended:
    (asked,) = [stored.event for stored in await bench.ledger.open_calls(session_id)]
    assert isinstance(asked, ToolAsked)
    answered = ToolAnswered(asked.tool_id, asked.generation_id, "success", "ok")
    appended = await bench.ledger.append_fact(
        OWNER, session_id, f"tool:{asked.tool_id}", answered, claimant=claimant
    )
    assert isinstance(appended, Appended)
    return appended


async def _may_be_claimed(bench: Bench, session_id: str) -> bool:
    row = await bench.row(session_id)
    claim = await bench.ledger.claim(session_id, "another", row.decision)
    return isinstance(claim, Claim) and claim.lost == 0


async def _until_idle(bench: Bench, worker: Worker, session_id: str) -> None:
    """Its call is asked, and the step behind that is over."""
    worker.nudge(session_id)
    await until(bench, session_id, ToolAsked)


async def test_a_generation_is_made_under_the_claim_that_came_with_the_answer(
    tmp_path: Path,
) -> None:
    async with (
        open_bench(tmp_path, [CALLING, Reply("Done.")]) as bench,
        running(bench, NEVER) as worker,
    ):
        session_id = await bench.open()
        await _until_idle(bench, worker, session_id)
        appended = await _answer(bench, session_id, worker.claimant(session_id))
        worker.nudge(session_id, appended)
        await until(bench, session_id, RunEnded)
        replies = [
            event for event in await bench.events(session_id) if isinstance(event, ModelReplied)
        ]

    assert appended.claim is not None
    attempts = [reply.generation_id.rpartition("-")[2] for reply in replies]
    assert attempts == ["0001", "0001"], "a claim of its own would have been the second attempt"


async def test_a_claim_that_nobody_was_told_of_is_found_by_its_owner(tmp_path: Path) -> None:
    async with open_bench(tmp_path, [CALLING, Reply("Done.")]) as bench:
        session_id = await bench.open()
        async with running(bench, msgspec.structs.replace(SETTINGS, look_for_due=0.05)) as worker:
            await _until_idle(bench, worker, session_id)
            assert (await _answer(bench, session_id, worker.claimant(session_id))).claim is not None
            ended = await until(bench, session_id, RunEnded)

    assert ended.reason == "completed"


async def test_a_step_that_makes_no_generation_gives_the_claim_back(tmp_path: Path) -> None:
    async with open_bench(tmp_path, [CALLING]) as bench:
        session_id = await bench.open()
        held, stepper = HeldSession(session_id, MODEL), bench.stepper()
        while not await bench.ledger.open_calls(session_id):
            await stepper.step(held)
        await stepper.step(held)
        row = await bench.row(session_id)
        claim = await bench.ledger.claim(session_id, "worker-1", row.decision)
        loaded = await bench.ledger.load(session_id)
        assert isinstance(claim, Claim)
        assert loaded is not None
        held.tell(loaded, claim)

        await stepper.step(held)

        assert await _may_be_claimed(bench, session_id)


async def test_a_claim_that_came_while_a_step_was_made_is_left_to_the_next(tmp_path: Path) -> None:
    async with open_bench(tmp_path, [CALLING]) as bench:
        session_id = await bench.open()
        before = await bench.ledger.load(session_id)
        assert before is not None
        claim = await bench.ledger.claim(session_id, "worker-1", before.row.decision)
        behind = await bench.ledger.load(session_id)
        assert behind is not None
        assert isinstance(claim, Claim)
        held = HeldSession(session_id, MODEL)

        held.tell(behind, claim)

        assert held.take_claim(before.row) is None
        assert held.take_claim(behind.row) == claim
        assert held.take_claim(behind.row) is None


async def test_a_worker_that_drains_claims_nothing_and_gives_back_what_came_late(
    tmp_path: Path,
) -> None:
    async with open_bench(tmp_path, [CALLING]) as bench:
        session_id = await bench.open()
        async with running(bench, NEVER) as worker:
            await _until_idle(bench, worker, session_id)
            claimant = worker.claimant(session_id)
            await worker.drain(5)
            appended = await _answer(bench, session_id, claimant)
            worker.nudge(session_id, appended)
            await worker.drain(5)

            assert appended.claim is not None
            assert worker.claimant(session_id) is None
            assert await _may_be_claimed(bench, session_id)


async def test_without_a_free_place_nothing_is_claimed_and_what_was_is_given_back(
    tmp_path: Path,
) -> None:
    pause = Pause()
    async with open_bench(tmp_path, [CALLING, (pause, Reply("Done."))]) as bench:
        waiting = await bench.open()
        settings = msgspec.structs.replace(NEVER, generations=1)
        async with running(bench, settings) as worker:
            await _until_idle(bench, worker, waiting)
            claimant = worker.claimant(waiting)
            worker.nudge(await bench.open())
            await pause.reached.wait()
            assert claimant is not None
            assert worker.claimant(waiting) is None

            appended = await _answer(bench, waiting, claimant)
            assert appended.claim is not None
            worker.nudge(waiting, appended)

            is_free = False
            for _ in range(1000):
                if is_free := await _may_be_claimed(bench, waiting):
                    break
                await asyncio.sleep(0.01)
            assert is_free
            pause.go_on.set()
