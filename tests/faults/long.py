"""The long forms of the fault tests: `python -m tests.faults.long --kills 2000 --cuts 1000 ...`.

The rounds of the tests, so many times, at places drawn from a seed; prints counts, times and every
violation, and ends with 1 when there is one.
"""

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from executor.errors import ExecutorError
from executor.failpoints import FAILPOINTS as OF_EXECUTOR
from executor.view.port import RunSummary
from maestro.bootstrap import migrate_ledger
from maestro.bootstrap.logs import configure_logs
from maestro.domain.events import GenerationDropped
from maestro.settings import Backends
from protocol.version import SILENT_SECONDS
from tests.e2e.machine import Machine
from tests.faults import paused_owner
from tests.faults.chaos import Cut, chaos
from tests.faults.checker import violations
from tests.faults.crowd import back_after_a_restart, gathered_crowd
from tests.faults.executor_kills import Point, executor_killed
from tests.faults.maestro_kills import EVERY_POINT, Team, maestro_killed, team
from tests.faults.network import black_hole, door, outage, race, session_cut
from tests.faults.paused_owner import owner_paused
from tests.faults.restarts import lived_through, rolled, team_door
from tests.faults.team import Backing, maestros
from tests.faults.trees import ENDS, felled, planting, zombies_left
from tests.faults.work import Work
from tests.interaction.world import KEY, World, world
from tests.scripted_model import ScriptedModel
from tests.servers.postgres_server import PostgresServer, find_postgres
from tests.servers.redis_server import RedisServer, find_valkey

KILLED = 137
TREE_SECONDS = 2.0
STEPS = 90
"""Below the hundred generations that a run may have."""
RESTART_SECONDS = 4.0
"""That one restart takes on a busy machine."""
CROWD_SECONDS = 30.0
OUTAGE_SECONDS = 30.0
OUTAGES_AT_ONCE = 20


@dataclass
class Tally:
    """What so many rounds of one kind came to."""

    kind: str
    rounds: int = 0
    hits: int = 0
    """Rounds in which the fault took place."""
    wrong: list[str] = field(default_factory=list[str])
    seconds: list[float] = field(default_factory=list[float])
    """What the kind measures: how long it took to go on, or to be gone."""

    def add(self, name: str, wrong: Sequence[str], *, hit: bool = True) -> None:
        self.rounds += 1
        self.hits += hit
        self.wrong += [f"{name}: {line}" for line in wrong]
        for line in wrong:
            _say(f"  {self.kind} {name}: {line}")

    def line(self) -> str:
        said = (
            f"{self.kind}: {self.rounds} rounds, {self.hits} faults, {len(self.wrong)} violations"
        )
        if len(self.seconds) > 1:
            cuts = statistics.quantiles(self.seconds, n=100, method="inclusive")
            said += f"; p50 {cuts[49]:.2f} s, p99 {cuts[98]:.2f} s, max {max(self.seconds):.2f} s"
        return said


@dataclass(frozen=True)
class Ground:
    """Where the rounds take place."""

    folder: Path
    postgres: PostgresServer
    redis_url: str
    chance: random.Random
    at_once: int


Round = Callable[[int], Awaitable[None]]


async def _many(count: int, at_once: int, one: Round) -> None:
    """`one` for each number below `count`, so many at a time."""
    numbers = iter(range(count))

    async def lane() -> None:
        for number in numbers:
            await one(number)

    await asyncio.gather(*(lane() for _ in range(at_once)))


async def executor_kills(ground: Ground, count: int) -> Tally:
    tally = Tally("executor kills")
    async with world(ground.folder, Work()) as here:
        ledger = Backends(state=ground.folder / "maestro")

        async def one(number: int) -> None:
            point = _executor_point(ground.chance)
            points: list[Point] = [point]
            if point[0] == "on_resume":
                points = [("after_exit", 2), ("on_resume", 1)]
            with tempfile.TemporaryDirectory(prefix="cg-", dir="/tmp") as folder:
                machine = Machine(Path(folder).resolve())
                async with chaos(door(here)) as proxy:
                    killed = await executor_killed(machine, ledger, proxy, f"work-{number}", points)
            wrong = violations(killed.history)
            if killed.last.code != 0:
                wrong.append(f"exit {killed.last.code}: {killed.last.err}")
            tally.add(str(points), wrong, hit=killed.reached > 0)

        await _many(count, ground.at_once, one)
    return tally


def _executor_point(chance: random.Random) -> Point:
    return chance.choice(sorted(OF_EXECUTOR)), chance.randint(1, 6)


async def maestro_kills(ground: Ground, count: int) -> Tally:
    tally = Tally("maestro kills")
    points = [each.split(":")[0] for each in EVERY_POINT if "," not in each]

    async def one(number: int, its: Team, slow: str) -> None:
        name = ground.chance.choice(points)
        failpoint = f"{name}:{ground.chance.randint(1, 3 if 'finish' not in name else 1)}"
        model = slow if name == "lease_renew" else None
        try:
            ended = await maestro_killed(its, f"work-{number}", failpoint, model)
        except (AssertionError, ExecutorError) as error:  # the others are to be judged all the same
            tally.add(failpoint, [f"the round broke: {error}"], hit=False)
            return
        wrong = violations(ended.history)
        if ended.outcome != "success":
            wrong.append(f"the run's end: {ended.outcome}")
        hit = ended.exit_code == KILLED
        tally.add(failpoint, wrong, hit=hit)
        if hit:
            tally.seconds.append(ended.seconds)

    await _in_teams(ground, count, one)
    return tally


async def pauses(ground: Ground, count: int) -> Tally:
    tally = Tally("paused owners")

    async def one(number: int, its: Team, _slow: str) -> None:
        point = paused_owner.EVERY_POINT[number % len(paused_owner.EVERY_POINT)]
        woken = await owner_paused(its, f"work-{number}", point)
        stale = [row for row in woken.wrote if not isinstance(row.event, GenerationDropped)]
        wrong = [*violations(woken.history), *(f"it wrote {row.event}" for row in stale)]
        if woken.outcome != "success":
            wrong.append(f"the run's end: {woken.outcome}")
        tally.add(point, wrong)

    await _in_teams(ground, count, one)
    return tally


async def _in_teams(
    ground: Ground, count: int, one: Callable[[int, Team, str], Awaitable[None]]
) -> None:
    """Each of the lanes has a team of its own: one round kills for nobody else."""
    numbers = iter(range(count))
    async with (
        ScriptedModel(Work(), api_key=KEY) as model,
        ScriptedModel(Work(seconds=2.5), api_key=KEY) as slow,
    ):

        async def lane(number: int) -> None:
            folder = ground.folder / f"team-{number}"
            async with team(folder, ground.postgres, ground.redis_url, model) as its:
                for each in numbers:
                    await one(each, its, slow.base_url)

        await asyncio.gather(*(lane(number) for number in range(ground.at_once)))


async def cuts(ground: Ground, count: int) -> Tally:
    tally = Tally("cuts")
    async with world(ground.folder, Work(steps=2)) as here:

        async def one(number: int) -> None:
            ways = ("down", "up")
            drawn = [
                Cut(ground.chance.choice(ways), ground.chance.randint(1, 6000), reset=reset)
                for reset in (False, True)
            ]
            survived = await session_cut(here, f"work-{number}", drawn)
            wrong = violations(survived.history)
            if survived.outcome != "success":
                wrong.append(f"the run's end: {survived.outcome}")
            tally.add(str(drawn), wrong, hit=survived.connections > 1)

        await _many(-(-count // 2), ground.at_once, one)
    return tally


async def outages(ground: Ground, count: int) -> Tally:
    """Of half a second to half a minute; what is measured begins when the network is back."""
    tally = Tally("outages")
    async with world(ground.folder, Work(steps=1)) as here:

        async def one(number: int) -> None:
            away = ground.chance.uniform(0.5, OUTAGE_SECONDS)
            tally.seconds.append(await outage(here, f"work-{number}", away))
            tally.add(f"{away:.1f} s", [])

        await _many(count, OUTAGES_AT_ONCE, one)
    return tally


async def black_holes(ground: Ground, count: int) -> Tally:
    tally = Tally("black holes")
    async with world(ground.folder, Work(steps=1)) as here:

        async def one(number: int) -> None:
            seconds = await black_hole(here, f"work-{number}")
            tally.seconds.append(seconds)
            late = [f"noticed after {seconds:.1f} s"] if seconds > SILENT_SECONDS + 2 else []
            tally.add("both ways", late)

        await _many(count, OUTAGES_AT_ONCE, one)
    return tally


async def races(ground: Ground, count: int) -> Tally:
    tally = Tally("races")
    async with world(ground.folder, Work(steps=1)) as here:

        async def one(_number: int) -> None:
            answers = await race(here, racers := ground.chance.randint(2, 8))
            fair = sorted(answers) == ["already_attached"] * (racers - 1) + ["attached"]
            tally.add(f"{racers} racers", [] if fair else [f"they were answered {answers}"])

        await _many(count, ground.at_once, one)
    return tally


async def restarts(ground: Ground, count: int, sessions: int) -> Tally:
    """So many rolling restarts under so many sessions, each of which outlives them all."""
    tally = Tally("restarts")
    database = ground.postgres.dsn_of(ground.postgres.create_database())
    await migrate_ledger(Backends(database_url=database))
    work = Work(STEPS, seconds=count * RESTART_SECONDS / STEPS)
    async with ScriptedModel(work, api_key=KEY) as model:
        backing = Backing(database, ground.redis_url, model.base_url)
        with maestros(ground.folder, backing, "one", "two") as made:
            async with team_door(made) as proxy:
                lives = await lived_through(
                    *(ground.folder, backing, model, proxy, lambda: rolled(made, count)),
                    sessions=sessions,
                )
    for number, life in enumerate(lives):
        wrong = violations(life.history)
        if life.outcome != "success":
            wrong.append(f"the run's end: {life.outcome}")
        tally.add(f"session {number}", wrong)
        tally.seconds.append(life.longest_pause)
    return tally


async def crowds(ground: Ground, size: int) -> Tally:
    """So many executors whose only maestro is killed and started again."""
    tally = Tally("crowd")
    database = ground.postgres.dsn_of(ground.postgres.create_database())
    await migrate_ledger(Backends(database_url=database))
    async with ScriptedModel(Work(steps=0), api_key=KEY) as model:
        backing = Backing(database, ground.redis_url, model.base_url)
        with maestros(ground.folder, backing, "only") as (only,):
            await only.start()
            async with gathered_crowd(f"http://127.0.0.1:{only.port}", size) as crowd:
                tally.seconds += await back_after_a_restart(only, crowd)
    for seconds in tally.seconds:
        late = [f"back after {seconds:.1f} s"] if seconds > CROWD_SECONDS else []
        tally.add("executor", late)
    return tally


async def trees(ground: Ground, count: int) -> Tally:
    tally = Tally("process trees")
    async with world(ground.folder, planting) as here:

        async def one(number: int, here: World = here) -> None:
            end = ENDS[number % len(ENDS)]
            seconds = await felled(here, number, end)
            late = [f"gone after {seconds:.2f} s"] if seconds > TREE_SECONDS else []
            tally.add(end, late)
            tally.seconds.append(seconds)

        await _many(count, ground.at_once, one)
    return tally


async def runs(ground: Ground, count: int) -> Tally:
    """So many runs through one maestro, and behind them no zombie."""
    tally = Tally("runs")
    async with world(ground.folder, Work(steps=1)) as here:

        async def one(number: int) -> None:
            name = f"work-{number}"
            its = World(ground.folder / name, here.address, here.model)
            its.project.mkdir(parents=True)
            async with its.program(name) as program:
                over = await program.session.run_over()
            tally.add(name, [] if isinstance(over, RunSummary) else [f"its end: {over}"])

        await _many(count, ground.at_once, one)
        tally.wrong += [f"zombie {pid} is left" for pid in await zombies_left()]
    return tally


async def _run(given: argparse.Namespace, folder: Path) -> int:
    chance = random.Random(given.seed)
    postgres, redis = find_postgres(), find_valkey()
    if postgres is None or redis is None:
        sys.exit("PostgreSQL and Redis of requirements/dev.txt are needed")
    sessions: int = given.sessions
    kinds: list[tuple[int, Callable[[Ground, int], Awaitable[Tally]]]] = [
        (given.kills - given.kills // 2, executor_kills),
        (given.kills // 2, maestro_kills),
        (given.pauses, pauses),
        (given.cuts, cuts),
        (given.outages, outages),
        (given.black_holes, black_holes),
        (given.races, races),
        (given.restarts, lambda ground, count: restarts(ground, count, sessions)),
        (given.crowd, crowds),
        (given.trees, trees),
        (given.runs, runs),
    ]
    failed = False
    with PostgresServer.temporary(postgres) as server, RedisServer.temporary(redis) as bus:
        for number, (count, kind) in enumerate(kinds):
            if count:
                its = folder / str(number)
                its.mkdir()
                began = time.monotonic()
                tally = await kind(Ground(its, server, bus.url, chance, given.at_once), count)
                _say(f"{tally.line()} ({time.monotonic() - began:.0f} s)")
                failed = failed or bool(tally.wrong)
    _say("verdict: " + ("violations" if failed else "all invariants held"))
    return int(failed)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.long", description=__doc__)
    for name, what in (
        ("kills", "kill -9 at failpoints, half of executors, half of maestros"),
        ("pauses", "owners that stand still and wake"),
        ("cuts", "cuts of connections at random bytes, two a session"),
        ("outages", "networks that go and come back"),
        ("black-holes", "connections that swallow everything, both ways"),
        ("races", "executors that resume one session at once"),
        ("restarts", "SIGTERM of two maestros in turn under --sessions"),
        ("crowd", "executors whose only maestro is killed and started again"),
        ("trees", "process trees that refuse to end"),
        ("runs", "runs that are left alone; behind each, zombies are counted"),
    ):
        parser.add_argument(f"--{name}", type=int, default=0, help=what)
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--at-once", type=int, default=4)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    given = parser.parse_args()
    _say(f"seed {given.seed}")
    configure_logs("error", "text")  # of the maestros that live in this process
    with tempfile.TemporaryDirectory(prefix="cg-", dir="/tmp") as folder:
        return asyncio.run(_run(given, Path(folder).resolve()))


if __name__ == "__main__":
    sys.exit(main())
