"""What a worker folds without reading it back, and when it reads all the same."""

import asyncio
from pathlib import Path

import pytest

from maestro.domain.conversation import Reply
from maestro.domain.events import ModelReplied, ToolAnswered, ToolAsked
from maestro.planning import held as held_module
from maestro.planning.held import HeldSession
from maestro.ports import Appended, Claim, Loaded
from tests.maestro.bench import MODEL, OWNER, Bench, git, open_bench
from tests.requirements import covers


async def _appended(bench: Bench, session_id: str, tool_id: str = "t1") -> list[Loaded]:
    """A call and its answer, as the ledger tells of them."""
    row = await bench.row(session_id)
    claim = await bench.ledger.claim(session_id, "worker", row.decision)
    assert isinstance(claim, Claim)
    name = f"g{row.decision}"
    asked = (ModelReplied(name, row.head, ""), ToolAsked(tool_id, name, "Git", {"args": ["log"]}))
    decided = await bench.ledger.append_decision(session_id, asked, claim, row.head)
    told = await bench.ledger.append_fact(
        OWNER, session_id, f"tool:{tool_id}", ToolAnswered(tool_id, name, "success", "ok")
    )
    assert isinstance(decided, Appended)
    assert isinstance(told, Appended)
    assert decided.written is not None
    assert told.written is not None
    return [decided.written, told.written]


async def _held(bench: Bench, session_id: str) -> HeldSession:
    held = HeldSession(session_id, MODEL)
    await bench.stepper().read(held)
    return held


@covers("R-PERF-4")
async def test_what_was_told_in_any_order_is_folded_as_if_it_had_been_read(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        session_id = await bench.open()
        held = await _held(bench, session_id)
        for written in reversed(await _appended(bench, session_id)):
            held.tell(written)

        row, news = held.fold_told()
        read = await _held(bench, session_id)
        stored = await bench.stored(session_id)

    assert row is not None
    assert (row.head, row.open_calls) == (held.transcript.seq, 0) == (6, 0)
    assert [event.seq for event in news] == [4, 5, 6]
    assert tuple(news) == stored[3:]
    assert held.planner.request() == read.planner.request()


async def test_a_gap_or_nothing_told_is_read_from_the_ledger(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        session_id = await bench.open()
        held = await _held(bench, session_id)
        _, answered = await _appended(bench, session_id)

        assert held.fold_told() == (None, [])
        held.tell(answered)
        assert held.fold_told() == (None, [])

        row = await bench.stepper().read(held)

    assert row is not None
    assert held.transcript.seq == row.head == 6


async def test_a_row_that_was_told_long_ago_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_module, "_FRESH_SECONDS", 0.0)
    async with open_bench(tmp_path) as bench:
        session_id = await bench.open()
        held = await _held(bench, session_id)
        for written in await _appended(bench, session_id):
            held.tell(written)

        row, news = held.fold_told()

    assert (row, held.transcript.seq, len(news)) == (None, 6, 3)


@pytest.mark.parametrize("comes_at_once", [True, False])
async def test_a_fact_that_comes_at_once_saves_the_timer(
    tmp_path: Path, *, comes_at_once: bool
) -> None:
    async with (
        asyncio.timeout(20),
        open_bench(tmp_path, [Reply("", calls=(git("log"),), finish="calls")]) as bench,
    ):
        session_id = await bench.open()
        held = HeldSession(session_id, MODEL)
        stepper = bench.stepper(settle_seconds=1000.0 if comes_at_once else 0.0)
        assert await stepper.step(held)
        if comes_at_once:
            held.stirred.set()

        again = await stepper.step(held)

        assert again is comes_at_once
        is_due = session_id in await bench.ledger.due()
        assert is_due is comes_at_once
