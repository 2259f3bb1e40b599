"""Maestros whose clocks are minutes off, and jump; the executor's and the database's are right.

Needs libfaketime (`apt-get install libfaketime`); skipped where it is not.
"""

import asyncio
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from maestro.bootstrap import migrate_ledger
from maestro.bus.redis_limits import RedisLimits
from maestro.domain.events import GenerationDropped
from maestro.ports import Limited, Quotas
from maestro.settings import Backends
from tests.architecture.sources import ROOT
from tests.faults.checker import violations
from tests.faults.restarts import lived_through, team_door
from tests.faults.team import Backing, maestros
from tests.faults.work import Work
from tests.interaction.world import KEY
from tests.requirements import covers
from tests.scripted_model import ScriptedModel

HOUR = 3600.0
QUOTAS = Quotas(sockets=2, sessions=3)


def found() -> str | None:
    """The library that gives a process another clock."""
    names = ("x86_64-linux-gnu", "aarch64-linux-gnu", ".")
    places = (Path("/usr/lib", name, "faketime", "libfaketimeMT.so.1") for name in names)
    return next((str(place) for place in places if place.exists()), None)


needs_faketime = pytest.mark.skipif(found() is None, reason="libfaketime is not installed")


class Clock:
    """A process's wall clock, which can be set while it runs."""

    def __init__(self, file: Path, offset: str) -> None:
        self._file = file
        self.set(offset)

    def set(self, offset: str) -> None:
        """`+600s`: so much ahead of the truth."""
        self._file.write_text(f"{offset}\n")

    @property
    def environment(self) -> Mapping[str, str]:
        return {
            "LD_PRELOAD": found() or "",
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }


ELSEWHERE = """
import asyncio, sys, time
from maestro.bus.redis_limits import RedisLimits
from maestro.ports import Quotas

async def main():
    limits = RedisLimits(sys.argv[1], Quotas(sockets=2, sessions=3))
    held = await limits.hold("ada", "elsewhere")
    spent = await limits.spend("sessions", "ada", 2)
    await limits.close()
    print(time.time(), held is None, spent is None)

asyncio.run(main())
"""


async def told_elsewhere(redis_url: str, clock: Clock) -> tuple[float, bool, bool]:
    """Another process's clock, whether it got a place, and whether it might spend."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", ELSEWHERE, redis_url),
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **clock.environment},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    now, held, spent = out.decode().split()
    return float(now), held == "True", spent == "True"


@pytest.fixture(params=["+7200s", "-7200s"])
def clock(request: pytest.FixtureRequest, tmp_path: Path) -> Clock:
    return Clock(tmp_path / "clock", request.param)


@covers("R-QUOTA-1")
@needs_faketime
async def test_a_maestro_whose_clock_is_off_counts_with_the_others(
    redis_url: str, clock: Clock
) -> None:
    limits = RedisLimits(redis_url, QUOTAS)
    assert [await limits.hold("ada", name) for name in ("one", "two")] == [None, None]
    hour = time.time() // HOUR
    assert await limits.spend("sessions", "ada", 2) is None
    now, held, spent = await told_elsewhere(redis_url, clock)

    assert abs(now - time.time()) > 300, "its clock is another one"
    assert not held
    assert not spent or hour != time.time() // HOUR, "but where an hour ended meanwhile"
    await limits.keep({"one": "ada", "two": "ada"})
    assert await limits.hold("ada", "three") == Limited("sockets", 2, 10.0)
    await limits.close()


@needs_faketime
async def test_clocks_that_are_off_and_jump_cost_no_run_and_no_generation(
    tmp_path: Path, postgres_dsn: str, redis_url: str
) -> None:
    await migrate_ledger(Backends(database_url=postgres_dsn))
    ahead, behind = Clock(tmp_path / "ahead", "+600s"), Clock(tmp_path / "behind", "-600s")

    async def jump() -> None:
        ahead.set("-7200s")
        behind.set("+7200s")

    async with ScriptedModel(Work(steps=3, seconds=0.2), api_key=KEY) as model:
        backing = Backing(postgres_dsn, redis_url, model.base_url)
        with maestros(tmp_path, backing, "ahead", "behind") as made:
            for each, clock in zip(made, (ahead, behind), strict=True):
                each.environment = clock.environment
            async with team_door(made) as proxy:
                lives = await lived_through(tmp_path, backing, model, proxy, jump, sessions=1)

    assert [life.outcome for life in lives] == ["success"] * len(lives)
    assert [violations(life.history) for life in lives] == [[]] * len(lives)
    dropped = [row for life in lives for row in life.history.rows]
    assert not [row for row in dropped if isinstance(row.event, GenerationDropped)]
    assert max(life.longest_pause for life in lives) < 60, "the rows' times are the database's"
