"""Whatever a call started is gone two seconds after the call: cancelled, late, or at its end."""

import asyncio
import os
from pathlib import Path

from tests.faults.trees import ENDS, felled, planting, zombies_left
from tests.interaction.world import world

SECONDS = 2.0


async def test_a_tree_that_refuses_to_end_is_gone_within_two_seconds(tmp_path: Path) -> None:
    async with world(tmp_path, planting) as team:
        outlived = await asyncio.gather(*(felled(team, 1, end) for end in ENDS))
        left = await zombies_left()

    assert max(outlived) < SECONDS, dict(zip(ENDS, outlived, strict=True))
    assert left == []


async def test_a_zombie_is_noticed() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)  # it has ended, and stays a zombie
    try:
        assert await zombies_left() == [child]
    finally:
        os.waitpid(child, 0)
