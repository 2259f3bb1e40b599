"""Replay changes with a tool and count what came of them.

Knows the tools by a table: one function for each way of making a change.
"""

import os
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from executor.errors import ToolFailure
from tests.executor.tools.world import World
from tests.replay.edits import Inexpressible, by_edits
from tests.replay.history import FileChange, Step
from tests.replay.patches import by_patch

Way = Callable[[World, FileChange], Awaitable[bytes | Inexpressible | None]]

WAYS: dict[str, Way] = {"edits": by_edits, "patch": by_patch}


@dataclass
class Tally:
    steps: int = 0
    """Those with at least one file that was replayed."""
    files: int = 0
    wrong: list[str] = field(default_factory=list[str])
    """Files whose bytes came out otherwise, or that the tool refused."""
    left_out: Counter[str] = field(default_factory=Counter[str])
    """Files, by why they are no matter of this way."""

    def __str__(self) -> str:
        reasons = "; ".join(f"{why}: {count:,}" for why, count in self.left_out.most_common())
        return (
            f"{self.steps:,} steps, {self.files:,} files replayed, {len(self.wrong):,} wrong"
            f"{f' (left out: {reasons})' if reasons else ''}"
        )


async def replay(steps: Iterable[Step], way: str, count: int) -> Tally:
    """Replay `steps` until `count` of them had something to replay."""
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="codegen-replay-") as folder:
        # No PATH: node is not asked for its opinion of every file.
        world = World(Path(folder), {"PATH": os.devnull})
        try:
            for step in steps:
                if tally.steps == count:
                    break
                tally.steps += await _replayed(step, WAYS[way], world, tally)
        finally:
            await world.close()
    return tally


async def _replayed(step: Step, way: Way, world: World, tally: Tally) -> bool:
    before = tally.files
    for change in step.files:
        try:
            made = await way(world, change)
        except ToolFailure as failure:
            tally.files += 1
            tally.wrong.append(f"{step.name} {change.path}: {failure.message[:500]}")
            continue
        if isinstance(made, Inexpressible):
            tally.left_out[made.why] += 1
            continue
        tally.files += 1
        if made != change.after:
            tally.wrong.append(f"{step.name} {change.path}: other bytes")
    return tally.files > before
