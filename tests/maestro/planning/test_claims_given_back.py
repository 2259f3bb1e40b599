"""A generation that is stopped while it claims leaves no claim behind."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from maestro.planning.held import HeldSession
from tests.e2e.processes import until
from tests.maestro.bench import MODEL, open_bench


async def test_a_claim_that_was_asked_for_when_the_step_was_stopped_is_given_back(
    tmp_path: Path,
) -> None:
    async with open_bench(tmp_path) as bench:
        session_id = await bench.open()
        held = HeldSession(session_id, MODEL)
        with closing(sqlite3.connect(tmp_path / "ledger.sqlite3")) as other:
            other.execute("BEGIN IMMEDIATE")  # the claim waits for this writer
            stepping = asyncio.create_task(bench.stepper().step(held))
            await until(lambda: held.attempt is not None, "the step is at its claim")
            stepping.cancel()
            await asyncio.sleep(0)
            other.rollback()
        await asyncio.wait({stepping})
        row = await bench.row(session_id)

        assert await bench.ledger.claim(session_id, "worker-2", row.decision) is not None
