"""Steps on a real ledger: what a run writes, and what the model is asked."""

import asyncio
import itertools
from pathlib import Path

import pytest

from maestro.domain.conversation import (
    AssistantTurn,
    Reply,
    Retrying,
    TextDelta,
    ToolTurn,
    UserTurn,
)
from maestro.domain.decision import Policy
from maestro.domain.events import (
    BootstrapAsked,
    CallCancelled,
    GenerationDropped,
    ModelFailed,
    ModelReplied,
    RunEnded,
    RunParked,
    RunWoken,
    ToolAnswered,
    ToolAsked,
    UsageCounted,
    UserSaid,
)
from maestro.domain.safeguards import Limits
from maestro.errors import ModelError
from maestro.llm.scripted import RATE_LIMITED, Pause
from maestro.planning.held import HeldSession
from maestro.ports import Claim, HeadMoved, Live
from protocol.from_executor import RunLimits, RunWishes
from protocol.from_maestro import AgentMessageDelta, StatusChanged
from protocol.wire import Usage
from tests.maestro.bench import MODEL, OWNER, git, open_bench


async def test_a_run_is_a_call_its_answer_and_a_last_word(tmp_path: Path) -> None:
    scripts = [Reply("Looking.", (git("log", "call_1"),)), Reply("All done.", usage=Usage(3, 0, 4))]
    async with open_bench(tmp_path, scripts) as bench:
        session_id = await bench.open("list")
        await bench.run(session_id)

        first, second = "000001-00000000-0001", "000001-00000001-0001"
        call = f"{first}.1"
        assert (await bench.events(session_id))[3:] == [
            ModelReplied(first, 3, "Looking."),
            ToolAsked(call, first, "Git", {"args": ["log"]}, "call_1", bound_to="journal-1"),
            UsageCounted(first, Usage()),
            ToolAnswered(call, first, "success", "ok"),
            ModelReplied(second, 7, "All done."),
            UsageCounted(second, Usage(3, 0, 4)),
            RunEnded(9, 1, "success", "completed", "All done.", Usage(3, 0, 4)),
        ]
        assert [request.turns for request in bench.model.requests] == [
            (UserTurn("list"),),
            (
                UserTurn("list"),
                AssistantTurn("Looking.", (git("log", "call_1"),)),
                ToolTurn("call_1", "Git", "ok"),
            ),
        ]
        row = await bench.row(session_id)
        assert (row.due_at, row.open_calls) == (None, 0)


async def test_the_bootstrap_asks_what_the_executor_knows_and_is_told_before_the_prompt(
    tmp_path: Path,
) -> None:
    async with open_bench(tmp_path) as bench:
        session_id = await bench.open("go", ("Shell", "ReadFile", "Edit"))
        await bench.run(session_id)

        events = await bench.events(session_id)
        prefix = "bootstrap-000001-00000000"
        read = {"file_path": ".codegen/plan.md"}
        assert events[3:6] == [
            BootstrapAsked(3),
            ToolAsked(f"{prefix}.1", "bootstrap", "ReadFile", read, bound_to="journal-1"),
            ToolAsked(
                f"{prefix}.2",
                "bootstrap",
                "Shell",
                {"command": "git log --oneline -10"},
                bound_to="journal-1",
            ),
        ]
        opening, prompt = bench.model.requests[0].turns
        assert isinstance(opening, UserTurn)
        assert '<observation of="ReadFile .codegen/plan.md">\nok\n</observation>' in opening.text
        assert prompt == UserTurn("go")


async def test_a_bootstrap_that_is_not_answered_is_closed_and_the_run_goes_on(
    tmp_path: Path,
) -> None:
    async with open_bench(tmp_path, policy=Policy(bootstrap_seconds=0.0)) as bench:
        session_id = await bench.open("go", ("Shell",))
        held = HeldSession(session_id, MODEL)
        while await bench.stepper().step(held):
            pass

        assert CallCancelled("bootstrap-000001-00000000.1", 5, closes=True) in await bench.events(
            session_id
        )
        opening = bench.model.requests[0].turns[0]
        assert "No answer in time." in opening.text
        assert await bench.ends(session_id) == [("success", "completed")]


async def test_what_the_user_says_during_a_generation_steers_the_next(tmp_path: Path) -> None:
    pause = Pause()
    async with open_bench(tmp_path, [(pause, Reply("First."))]) as bench:
        session_id = await bench.open("go")
        held = HeldSession(session_id, MODEL)
        async with asyncio.timeout(20):
            step = asyncio.create_task(bench.stepper().step(held))
            await pause.reached.wait()
            await bench.say(session_id, "also this")
            pause.go_on.set()
            assert await step
        await bench.run(session_id, held)

        assert bench.model.requests[1].turns == (
            UserTurn("go"),
            AssistantTurn("First."),
            UserTurn("also this"),
        )
        assert await bench.ends(session_id) == [("success", "completed")]


async def test_an_interrupt_voids_the_reply_and_its_cost_is_kept(tmp_path: Path) -> None:
    pause = Pause()
    scripts = [(pause, Reply("Too late.", (git("log"),), usage=Usage(5, 0, 7)))]
    async with open_bench(tmp_path, scripts) as bench:
        session_id = await bench.open()
        held = HeldSession(session_id, MODEL)
        async with asyncio.timeout(20):
            step = asyncio.create_task(bench.stepper().step(held))
            await pause.reached.wait()
            await bench.interrupt(session_id)
            pause.go_on.set()
            assert await step
        await bench.run(session_id, held)

        assert (await bench.events(session_id))[4:] == [
            GenerationDropped("000001-00000000-0001", Usage(5, 0, 7)),
            RunEnded(5, 1, "interrupted", "interrupted", "", Usage(5, 0, 7)),
        ]


async def test_what_is_said_after_an_interrupt_opens_the_next_run(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        session_id = await bench.open("first")
        await bench.interrupt(session_id)
        await bench.say(session_id, "second")
        held = await bench.run(session_id)

        assert held.transcript.runs == 2
        assert await bench.ends(session_id) == [
            ("interrupted", "interrupted"),
            ("success", "completed"),
        ]
        assert bench.model.requests[0].turns == (UserTurn("first"), UserTurn("second"))


async def test_interrupted_calls_are_cancelled_and_the_run_ends_when_they_are_answered(
    tmp_path: Path,
) -> None:
    async with open_bench(tmp_path, [Reply("", (git("log"), git("status")))]) as bench:
        session_id = await bench.open()
        held = HeldSession(session_id, MODEL)
        stepper = bench.stepper()
        while await stepper.step(held):
            pass
        asked = [e for e in await bench.events(session_id) if isinstance(e, ToolAsked)]
        await bench.interrupt(session_id)
        while await stepper.step(held):
            pass
        row = await bench.row(session_id)
        assert row.due_at is not None
        assert row.due_at - row.now == pytest.approx(5.0, abs=1.0)
        for call in asked:
            await bench.answer_call(session_id, call)
        while await stepper.step(held):
            pass

        assert await bench.ends(session_id) == [("interrupted", "interrupted")]


async def test_without_an_executor_an_interrupted_run_ends_at_once(tmp_path: Path) -> None:
    async with open_bench(tmp_path, [Reply("", (git("log", "1"),))]) as bench:
        session_id = await bench.open()
        held = HeldSession(session_id, MODEL)
        stepper = bench.stepper()
        while await stepper.step(held):
            pass
        await bench.lose(session_id)
        await bench.interrupt(session_id)
        while await stepper.step(held):
            pass

        assert await bench.ends(session_id) == [("interrupted", "interrupted")]
        answer = held.transcript.dialogue.turns()[-1]
        assert answer.text.startswith("Cancelled, outcome unknown")


async def test_a_model_error_ends_the_run_in_the_providers_words(tmp_path: Path) -> None:
    async with open_bench(tmp_path, [ModelError("auth", "Incorrect API key")]) as bench:
        session_id = await bench.open()
        await bench.run(session_id)

        assert (await bench.events(session_id))[3:] == [
            ModelFailed("000001-00000000-0001", "auth", "Incorrect API key"),
            RunEnded(3, 1, "error", "model_error", "Incorrect API key"),
        ]


async def test_a_rate_limit_that_names_its_end_parks_and_the_user_wakes_it(tmp_path: Path) -> None:
    async with open_bench(tmp_path, [RATE_LIMITED]) as bench:
        session_id = await bench.open()
        held = await bench.run(session_id)
        assert (await bench.row(session_id)).due_at == RATE_LIMITED.wake_at
        await bench.say(session_id, "try now")
        await bench.run(session_id, held)

        events = await bench.events(session_id)
        assert events[3] == RunParked(3, "rate_limited", RATE_LIMITED.wake_at)
        assert events[5] == RunWoken(5)
        assert await bench.ends(session_id) == [("success", "completed")]


async def test_an_executor_that_stays_away_parks_the_run_until_it_is_back(tmp_path: Path) -> None:
    async with open_bench(tmp_path, policy=Policy(park_seconds=0.0)) as bench:
        session_id = await bench.open()
        await bench.lose(session_id)
        held = await bench.run(session_id)
        assert isinstance((await bench.events(session_id))[-1], RunParked)
        assert held.transcript.attached is not None
        await bench.ledger.attach(OWNER, session_id, held.transcript.attached)
        await bench.run(session_id, held)

        assert await bench.ends(session_id) == [("success", "completed")]


async def test_a_broken_stream_begins_again_under_a_later_generation(tmp_path: Path) -> None:
    scripts = [(TextDelta("Hal"), Retrying("reset", 1, 0.0), TextDelta("Hello"), Reply("Hello"))]
    async with open_bench(tmp_path, scripts) as bench:
        session_id = await bench.open()
        async with bench.bus.subscribe(session_id) as nudges, asyncio.timeout(20):
            await bench.run(session_id)
            seen: list[object] = []
            async for nudge in nudges:
                seen.append(nudge)
                if isinstance(nudge, HeadMoved):
                    break

        first, second = "000001-00000000-0001", "000001-00000000-0002"
        rows = tuple((await bench.stored(session_id))[3:5])
        assert [s.event for s in rows] == [
            ModelReplied(second, 3, "Hello"),
            UsageCounted(second, Usage()),
        ]
        assert [n for n in seen if n != Live(AgentMessageDelta(first, "Hal"))] == [
            Live(StatusChanged("running", 0, "reset; trying again in 1 s")),
            Live(AgentMessageDelta(second, "Hello")),
            HeadMoved(5, rows),
        ]


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (RunLimits(max_steps=2), "max_steps"),
        (RunLimits(max_tokens=25), "max_tokens"),
        (RunLimits(max_cost=0.25), "max_cost"),
        (RunLimits(max_steps=500), "max_steps"),
    ],
)
async def test_a_limit_ends_the_run_and_wishes_only_tighten_it(
    tmp_path: Path, limits: RunLimits, reason: str
) -> None:
    used = Usage(10, 0, 5, cost_usd=0.15)
    scripts = [Reply("", (git(f"log{i}"),), usage=used) for i in range(10)]
    policy = Policy(Limits(max_steps=4))
    async with open_bench(tmp_path, scripts, policy) as bench:
        session_id = await bench.open(run=RunWishes(limits=limits))
        await bench.run(session_id)

        assert await bench.ends(session_id) == [("error", reason)]
        assert len(bench.model.requests) == (4 if limits.max_steps == 500 else 2)


async def test_every_request_is_a_prefix_of_the_next(tmp_path: Path) -> None:
    scripts = [Reply(f"step {i}", (git(f"log{i}", f"c{i}"), git("x", f"d{i}"))) for i in range(40)]
    async with open_bench(tmp_path, scripts) as bench:
        session_id = await bench.open("go", ("Git", "Shell"))
        held = await bench.run(session_id)
        await bench.say(session_id, "and now?")
        await bench.run(session_id, held)

        requests = bench.model.requests
        assert len(requests) == 42
        for one, following in itertools.pairwise(requests):
            assert (one.system, one.tools) == (following.system, following.tools)
            kept = following.turns[: len(one.turns)]
            assert [id(turn) for turn in kept] == [id(turn) for turn in one.turns]
        cold = HeldSession(session_id, MODEL)
        await bench.stepper().read(cold)
        assert cold.planner.request() == held.planner.request()


async def test_three_lost_claims_set_the_session_aside_until_the_user_speaks(
    tmp_path: Path,
) -> None:
    async with open_bench(tmp_path, policy=Policy(poison_claims=0)) as bench:
        session_id = await bench.open()
        held = await bench.run(session_id)

        assert (await bench.events(session_id))[3:] == [RunParked(3, "poison")]
        assert (await bench.row(session_id)).due_at is None
        assert held.transcript.parked == RunParked(3, "poison")


async def test_a_message_that_the_last_reply_did_not_read_opens_the_next_run(
    tmp_path: Path,
) -> None:
    async with open_bench(tmp_path) as bench:
        session_id = await bench.open("one")
        held = HeldSession(session_id, MODEL)
        stepper = bench.stepper()
        assert await stepper.step(held)
        row = await stepper.read(held)
        assert row is not None
        await bench.say(session_id, "two")
        ended = RunEnded(row.head, 1, "success", "completed")
        fence = Claim(session_id, "worker-2", row.decision, row.attempt, row.lost)
        await bench.ledger.append_decision(session_id, [ended], fence, row.head)
        assert (await bench.row(session_id)).due_at is not None
        await bench.run(session_id, held)

        assert held.transcript.runs == 2
        assert isinstance((await bench.events(session_id))[5], UserSaid)
        assert len(await bench.ends(session_id)) == 2
