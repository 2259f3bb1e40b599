"""Everybody may ask whether a maestro is ready, and costs no more than one look at a time."""

import asyncio
from pathlib import Path

from maestro.errors import LedgerUnavailable
from tests.maestro.edge.stage import stage


async def test_however_many_ask_at_once_one_look_is_made(tmp_path: Path) -> None:
    looks = 0
    may_answer = asyncio.Event()

    async def look() -> None:
        nonlocal looks
        looks += 1
        await may_answer.wait()

    async with (
        asyncio.timeout(20),
        stage(tmp_path, readiness={"model": look}) as edge,
        edge.http() as client,
    ):
        asked = [asyncio.create_task(client.get("/ready")) for _ in range(50)]
        health = await client.get("/health")
        while not looks:  # noqa: ASYNC110 - the first of them has come
            await asyncio.sleep(0.01)
        may_answer.set()
        answers = [(await answer).status_code for answer in asked]
        again = await client.get("/ready")

    assert health.status_code == again.status_code == 200
    assert set(answers) == {200}
    assert looks < len(asked), "those who came meanwhile share a look"


async def test_each_look_is_a_fresh_one(tmp_path: Path) -> None:
    missing = ["a key"]

    async def look() -> None:
        if missing:
            raise LedgerUnavailable(missing.pop())

    async with (
        asyncio.timeout(20),
        stage(tmp_path, readiness={"model": look}) as edge,
        edge.http() as client,
    ):
        answers = [(await client.get("/ready")).status_code for _ in range(2)]

    assert answers == [503, 200]
