"""`kill -9` of the maestro that has a session, at each of its failpoints, with another one up."""

import asyncio
from pathlib import Path

from maestro.failpoints import FAILPOINTS
from tests.faults.checker import violations
from tests.faults.maestro_kills import EVERY_POINT, Backing, Team, maestro_killed
from tests.faults.team import maestros, migrate
from tests.faults.work import Work
from tests.interaction.world import KEY
from tests.scripted_model import ScriptedModel

AT_ONCE = 4
KILLED = 137
TRIES = 3
"""The survivor may be quicker than the one that is to die."""


def test_every_failpoint_of_the_maestro_is_killed_at() -> None:
    named = {wish.split(":")[0] for each in EVERY_POINT for wish in each.split(",")}

    assert named == set(FAILPOINTS)


async def test_a_run_whose_maestro_was_killed_anywhere_goes_on_at_another(
    tmp_path: Path, postgres_dsn: str, redis_url: str
) -> None:
    migrate(postgres_dsn)
    async with (
        ScriptedModel(Work(), api_key=KEY) as model,
        ScriptedModel(Work(seconds=2.5), api_key=KEY) as slow,
    ):
        backing = Backing(postgres_dsn, redis_url, model.base_url)
        renewing = Backing(postgres_dsn, redis_url, slow.base_url)
        with maestros(tmp_path, backing, "survivor") as (survivor,):
            await survivor.start()
            team = Team(tmp_path, backing, survivor, model)
            turn = asyncio.Semaphore(AT_ONCE)

            async def killed_at(number: int, failpoint: str) -> list[str]:
                its = renewing if "lease_renew" in failpoint else backing
                async with turn:
                    for attempt in range(TRIES):
                        name = f"work-{number}-{attempt}"
                        ended = await maestro_killed(team, name, failpoint, its)
                        print(failpoint, ended.exit_code, round(ended.seconds, 2))
                        assert ended.outcome == "success", failpoint
                        if ended.exit_code == KILLED or violations(ended.history):
                            return violations(ended.history)
                return ["it was not reached"]

            found = await asyncio.gather(*(killed_at(*each) for each in enumerate(EVERY_POINT)))

    assert dict(zip(EVERY_POINT, found, strict=True)) == {each: [] for each in EVERY_POINT}
