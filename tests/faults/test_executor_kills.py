"""`kill -9` of the executor at each of its failpoints: nothing lost, nothing done twice."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from executor.failpoints import FAILPOINTS
from maestro.settings import Backends
from tests.e2e.machine import Machine
from tests.faults.chaos import chaos
from tests.faults.checker import violations
from tests.faults.executor_kills import EVERY_POINT, Point, executor_killed
from tests.faults.work import DONE, Work
from tests.interaction.world import world


def test_every_failpoint_of_the_executor_is_killed_at() -> None:
    of_undo = {name for name in FAILPOINTS if name.startswith("undo_")}  # of another command

    assert {name for points in EVERY_POINT for name, _ in points} == set(FAILPOINTS) - of_undo


@pytest.mark.parametrize(
    "points", EVERY_POINT, ids=lambda points: f"{points[-1][0]}-{points[-1][1]}"
)
async def test_a_session_whose_executor_was_killed_is_resumed_to_its_end(
    points: Sequence[Point], machine: Machine, tmp_path: Path
) -> None:
    async with world(tmp_path, Work()) as team:
        host, _, port = team.address.removeprefix("http://").partition(":")
        async with chaos((host, int(port))) as proxy:
            ledger = Backends(state=tmp_path / "maestro")
            killed = await executor_killed(machine, ledger, proxy, "work-1", points)

    assert violations(killed.history) == []
    assert (killed.last.code, killed.last.out.splitlines()[-1]) == (0, DONE), killed.last.err
    assert killed.reached == len(points)
