"""A worker on a real ledger: who is stepped, when a generation stops, what a drain leaves."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

from maestro.domain.conversation import Reply
from maestro.domain.events import AnyEvent, ExecutorLost, ModelReplied, RunEnded
from maestro.llm.scripted import Pause
from maestro.ports import Claim, HeadMoved
from maestro.worker import Worker, WorkerSettings
from tests.maestro.bench import MODEL, Bench, git, open_bench

SETTINGS = WorkerSettings(MODEL)

EventT = TypeVar("EventT", bound=AnyEvent)


@asynccontextmanager
async def running(bench: Bench, settings: WorkerSettings = SETTINGS) -> AsyncGenerator[Worker]:
    """A worker that runs inside the block, which may take ten seconds."""
    worker = Worker(bench.ledger, bench.bus, bench.model, settings)
    async with asyncio.timeout(10):
        run = asyncio.create_task(worker.run())
        try:
            yield worker
        finally:
            await worker.drain(0)
            run.cancel()
            await asyncio.wait({run})


async def until(bench: Bench, session_id: str, kind: type[EventT]) -> EventT:
    """The last event of this kind, as soon as there is one."""
    async with bench.bus.subscribe(session_id) as nudges:
        if found := await last_of(bench, session_id, kind):
            return found
        async for nudge in nudges:
            if isinstance(nudge, HeadMoved) and (found := await last_of(bench, session_id, kind)):
                return found
    raise AssertionError("the subscription ended")


async def last_of(bench: Bench, session_id: str, kind: type[EventT]) -> EventT | None:
    found = [event for event in await bench.events(session_id) if isinstance(event, kind)]
    return found[-1] if found else None


async def test_a_session_that_was_never_nudged_is_found_by_its_due_time(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        session_id = await bench.open()
        async with running(bench):
            ended = await until(bench, session_id, RunEnded)

        assert ended.reason == "completed"


async def test_work_from_the_bus_is_stepped(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        session_id = await bench.open()
        settings = msgspec.structs.replace(SETTINGS, look_for_due=1000.0)
        async with running(bench, settings):
            await bench.bus.nudge_work(session_id)
            ended = await until(bench, session_id, RunEnded)

        assert ended.reason == "completed"


async def test_many_nudges_make_one_generation(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        session_id = await bench.open()
        async with running(bench) as worker:
            for _ in range(50):
                worker.nudge(session_id)
                await asyncio.sleep(0)
            await until(bench, session_id, RunEnded)

        assert len(bench.model.requests) == 1


async def test_an_interrupt_in_this_process_stops_the_stream_at_once(tmp_path: Path) -> None:
    pause = Pause()  # nobody ever lets it go on
    async with open_bench(tmp_path, [(pause, Reply("never"))]) as bench:
        session_id = await bench.open()
        settings = msgspec.structs.replace(SETTINGS, renew=1000.0, look_for_due=1000.0)
        async with running(bench, settings) as worker:
            worker.nudge(session_id)
            await pause.reached.wait()
            await bench.interrupt(session_id)
            worker.nudge(session_id)
            ended = await until(bench, session_id, RunEnded)

        assert ended.reason == "interrupted"
        assert await last_of(bench, session_id, ModelReplied) is None


async def test_an_interrupt_that_nobody_told_of_is_seen_at_the_next_renewal(tmp_path: Path) -> None:
    pause = Pause()
    async with open_bench(tmp_path, [(pause, Reply("never"))]) as bench:
        session_id = await bench.open()
        settings = msgspec.structs.replace(SETTINGS, renew=0.05)
        async with running(bench, settings) as worker:
            worker.nudge(session_id)
            await pause.reached.wait()
            await bench.interrupt(session_id)
            ended = await until(bench, session_id, RunEnded)

        assert ended.reason == "interrupted"


async def test_a_steering_message_does_not_stop_the_stream(tmp_path: Path) -> None:
    pause = Pause()
    async with open_bench(tmp_path, [(pause, Reply("First."))]) as bench:
        session_id = await bench.open()
        settings = msgspec.structs.replace(SETTINGS, renew=0.01)
        async with running(bench, settings) as worker:
            worker.nudge(session_id)
            await pause.reached.wait()
            await bench.say(session_id, "more")
            worker.nudge(session_id)
            pause.go_on.set()
            await until(bench, session_id, RunEnded)

        assert len(bench.model.requests) == 2


async def test_two_workers_make_each_generation_once(tmp_path: Path) -> None:
    scripts = [Reply("", (git(f"log{i}", f"c{i}"),)) for i in range(20)]
    async with open_bench(tmp_path, scripts) as bench:
        session_id = await bench.open()
        async with running(bench) as one, running(bench) as other:
            while await last_of(bench, session_id, RunEnded) is None:
                one.nudge(session_id)
                other.nudge(session_id)
                await bench.answer(session_id)

        assert len(bench.model.requests) == 21
        assert [len(request.turns) for request in bench.model.requests] == [
            1 + 2 * n for n in range(21)
        ]


async def test_a_worker_leaves_sessions_that_are_not_its_own(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        mine, other = await bench.open(), await bench.open()
        settings = msgspec.structs.replace(SETTINGS, only={mine}.__contains__)
        async with running(bench, settings) as worker:
            worker.nudge(other)
            await until(bench, mine, RunEnded)

        assert len(await bench.events(other)) == 3


async def test_an_executor_whose_edge_died_is_told_as_lost(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        session_id = await bench.open()
        with sqlite3.connect(tmp_path / "ledger.sqlite3") as connection:
            connection.execute("UPDATE sessions SET seen_at = seen_at - 60")
        connection.close()
        async with running(bench):
            lost = await until(bench, session_id, ExecutorLost)

        assert lost == ExecutorLost(1)
        assert not (await bench.row(session_id)).attached


async def test_a_drain_lets_a_generation_end_and_begins_no_other(tmp_path: Path) -> None:
    pause = Pause()
    async with open_bench(tmp_path, [(pause, Reply("", (git("log"),)))]) as bench:
        session_id = await bench.open()
        async with running(bench) as worker:
            worker.nudge(session_id)
            await pause.reached.wait()
            drain = asyncio.create_task(worker.drain(5))
            await asyncio.sleep(0)
            pause.go_on.set()
            await drain

        assert await last_of(bench, session_id, ModelReplied) is not None
        assert len(bench.model.requests) == 1


async def test_a_drain_that_takes_too_long_gives_the_claim_back(tmp_path: Path) -> None:
    pause = Pause()
    async with open_bench(tmp_path, [(pause, Reply("never"))]) as bench:
        session_id = await bench.open()
        async with running(bench) as worker:
            worker.nudge(session_id)
            await pause.reached.wait()
            await worker.drain(0)

        row = await bench.row(session_id)
        claim = await bench.ledger.claim(session_id, "another", row.decision)
        assert isinstance(claim, Claim)
        assert claim.lost == 0


async def test_a_claim_whose_owner_died_is_taken_over_as_soon_as_it_ends(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        session_id = await bench.open()
        await bench.ledger.claim(session_id, "dead", 0)
        with sqlite3.connect(tmp_path / "ledger.sqlite3") as connection:
            connection.execute("UPDATE sessions SET lease_until = lease_until - 7.5")
        connection.close()
        settings = msgspec.structs.replace(SETTINGS, look_for_due=60.0)
        began = asyncio.get_running_loop().time()
        async with running(bench, settings):
            await until(bench, session_id, RunEnded)
        took = asyncio.get_running_loop().time() - began

        assert 0.3 < took < 20


async def test_a_claim_of_ones_own_that_nobody_works_under_is_taken_again(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        session_id = await bench.open()
        settings = msgspec.structs.replace(SETTINGS, look_for_due=0.05, renew=0.05)
        async with running(bench, settings) as worker:
            await bench.ledger.claim(session_id, worker.name, 0)  # its answer was lost
            ended = await until(bench, session_id, RunEnded)

        assert ended.reason == "completed"


async def test_a_drain_hands_what_is_left_to_do_to_the_next_worker(tmp_path: Path) -> None:
    pause = Pause()
    async with open_bench(tmp_path, [(pause, Reply("Done."))]) as bench:
        session_id = await bench.open()
        settings = msgspec.structs.replace(SETTINGS, look_for_due=1000.0)
        async with running(bench, settings) as leaving:
            leaving.nudge(session_id)
            await pause.reached.wait()
            drain = asyncio.create_task(leaving.drain(5))
            await asyncio.sleep(0)
            async with running(bench, settings):
                pause.go_on.set()
                await drain
                ended = await until(bench, session_id, RunEnded)

        assert ended.reason == "completed"


async def test_a_session_that_fails_again_and_again_ends_as_internal(tmp_path: Path) -> None:
    scripts = [ValueError("a bug") for _ in range(10)]  # one alone would gather every traceback
    async with open_bench(tmp_path, scripts) as bench:
        session_id = await bench.open()
        settings = msgspec.structs.replace(SETTINGS, look_for_due=0.02, first_pause=0.01)
        async with running(bench, settings):
            ended = await until(bench, session_id, RunEnded)

        assert (ended.outcome, ended.reason) == ("error", "internal")
        assert len(bench.model.requests) == 5


async def test_a_session_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        newer, ordinary = await bench.open(), await bench.open()
        with sqlite3.connect(tmp_path / "ledger.sqlite3") as connection:
            connection.execute("UPDATE events SET version = 99 WHERE session_id = ?", (newer,))
        connection.close()
        async with running(bench) as worker:
            worker.nudge(newer)
            await until(bench, ordinary, RunEnded)

        assert len(bench.model.requests) == 1


async def test_folded_sessions_are_forgotten_when_they_weigh_too_much(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        sessions = [await bench.open() for _ in range(5)]
        settings = msgspec.structs.replace(SETTINGS, held_bytes=1)
        async with running(bench, settings) as worker:
            for session_id in sessions:
                worker.nudge(session_id)
                await until(bench, session_id, RunEnded)

            await worker.drain(1)
            assert worker.held_bytes() <= 1
