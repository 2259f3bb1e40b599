"""`kill -9` of the maestro that has a session, at each of its failpoints, with another one up."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from maestro.failpoints import FAILPOINTS
from tests.faults.checker import violations
from tests.faults.maestro_kills import EVERY_POINT, Team, maestro_killed, team
from tests.faults.work import Work
from tests.interaction.world import KEY
from tests.scripted_model import ScriptedModel
from tests.servers.postgres_server import PostgresServer

TEAMS = 4
KILLED = 137
TRIES = 3
"""The survivor may be quicker than the one that is to die."""
GOES_ON_SECONDS = 12.0
"""The lease of 8 s, the look for due work every second, and a busy machine."""


def test_every_failpoint_of_the_maestro_is_killed_at() -> None:
    named = {wish.split(":")[0] for each in EVERY_POINT for wish in each.split(",")}

    assert named == set(FAILPOINTS)


async def test_a_run_whose_maestro_was_killed_anywhere_goes_on_at_another(
    tmp_path: Path, postgres_server: PostgresServer, redis_url: str
) -> None:
    async def killed_at(number: int, points: Sequence[str]) -> dict[str, list[str]]:
        async with team(tmp_path / str(number), postgres_server, redis_url, model) as one:
            return {point: await _wrong(one, point) for point in points}

    async def _wrong(one: Team, failpoint: str) -> list[str]:
        for attempt in range(TRIES):
            name = f"work-{EVERY_POINT.index(failpoint)}-{attempt}"
            its = slow.base_url if "lease_renew" in failpoint else None
            ended = await maestro_killed(one, name, failpoint, its)
            wrong = violations(ended.history)
            if ended.outcome != "success" or ended.seconds > GOES_ON_SECONDS:
                wrong.append(f"{ended.outcome} after {ended.seconds:.1f} s")
            if wrong or ended.exit_code == KILLED:
                return wrong
        return ["it was not reached"]

    async with (
        ScriptedModel(Work(), api_key=KEY) as model,
        ScriptedModel(Work(seconds=2.5), api_key=KEY) as slow,
    ):
        shares = [killed_at(number, EVERY_POINT[number::TEAMS]) for number in range(TEAMS)]
        found = {
            point: wrong for each in await asyncio.gather(*shares) for point, wrong in each.items()
        }

    assert found == {point: [] for point in EVERY_POINT}
