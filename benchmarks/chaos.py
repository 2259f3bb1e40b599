"""Everything fails at once: a seeded schedule of faults over live sessions, then the checker.

    python -m benchmarks.chaos [--sessions 8] [--seconds 120] [--seed N]

Two maestros over real PostgreSQL and Redis, and `--sessions` real `codegen` processes at a time,
each with work whose effects can be counted; who is done begins anew until the time is over. Every
0.5 to 3 s one of: kill -9 of an executor (resumed at once), of a maestro, of Redis, of PostgreSQL
(each started again), a maestro that stands still for 2 to 10 s, FLUSHALL, all connections cut or
the network away for 1 to 4 s, a model that answers 500 and 429. Then it is quiet, every session has
to end well, and `tests/faults/checker.py` looks at each. Prints what was done, and the verdict; the
same seed is the same schedule.
"""

import argparse
import asyncio
import contextlib
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from executor.journal import journals
from maestro.bootstrap import migrate_ledger, open_ledger
from maestro.settings import Backends
from tests.e2e.machine import Machine, installed, started
from tests.faults.chaos import ChaosProxy, chaos
from tests.faults.checker import violations
from tests.faults.history import gathered
from tests.faults.team import Backing, MaestroProcess, maestros
from tests.faults.work import Work
from tests.scripted_model import Recorded, Reply, ScriptedModel, error
from tests.servers.postgres_server import PostgresServer, find_postgres
from tests.servers.redis_server import RedisServer, find_valkey

KILLED = -9
SESSION_SECONDS = 180.0
"""For one session, however often it is disturbed."""


@dataclass
class Ground:
    """What can be broken, and what came of it."""

    folder: Path
    backing: Backing
    made: list[MaestroProcess]
    redis: RedisServer
    postgres: PostgresServer
    proxy: ChaosProxy
    model: "Moody"
    running: dict[str, asyncio.subprocess.Process] = field(
        default_factory=dict[str, asyncio.subprocess.Process]
    )
    done: Counter[str] = field(default_factory=Counter[str])
    wrong: list[str] = field(default_factory=list[str])


class Moody:
    """A model that does its work, but for the moments in which it does not."""

    def __init__(self, work: Work, chance: random.Random) -> None:
        self._work = work
        self._chance = chance
        self.ill = False

    def __call__(self, request: Recorded) -> Reply:
        if self.ill and self._chance.random() < 0.5:
            return error(self._chance.choice((429, 500, 529)), retry_after=0.2)
        return self._work(request)


async def kill_executor(ground: Ground, chance: random.Random) -> None:
    if ground.running:
        ground.running[chance.choice(sorted(ground.running))].kill()


async def kill_maestro(ground: Ground, chance: random.Random) -> None:
    maestro = chance.choice(ground.made)
    maestro.kill()
    await maestro.start()


async def pause_maestro(ground: Ground, chance: random.Random) -> None:
    maestro = chance.choice(ground.made)
    maestro.pause()
    await asyncio.sleep(chance.uniform(2.0, 10.0))
    maestro.wake()


async def kill_redis(ground: Ground, chance: random.Random) -> None:
    ground.redis.kill()
    await asyncio.sleep(chance.uniform(0.2, 2.0))
    ground.redis.start()


async def flush_redis(ground: Ground, _chance: random.Random) -> None:
    ground.redis.flush()


async def kill_postgres(ground: Ground, chance: random.Random) -> None:
    ground.postgres.kill()
    await asyncio.sleep(chance.uniform(0.2, 2.0))
    ground.postgres.start()


async def cut_all(ground: Ground, chance: random.Random) -> None:
    ground.proxy.cut(reset=chance.random() < 0.5)


async def network_away(ground: Ground, chance: random.Random) -> None:
    ground.proxy.go_down()
    await asyncio.sleep(chance.uniform(1.0, 4.0))
    ground.proxy.come_up()


async def model_ill(ground: Ground, chance: random.Random) -> None:
    ground.model.ill = True
    await asyncio.sleep(chance.uniform(0.5, 2.0))
    ground.model.ill = False


FAULTS: tuple[Callable[[Ground, random.Random], Awaitable[None]], ...] = (
    kill_executor,
    kill_executor,
    kill_maestro,
    pause_maestro,
    kill_redis,
    flush_redis,
    kill_postgres,
    cut_all,
    network_away,
    model_ill,
)


@dataclass(frozen=True)
class Planned:
    """One fault of the schedule."""

    pause: float
    """Seconds before it."""
    fault: Callable[[Ground, random.Random], Awaitable[None]]
    seed: int
    """Of its own draws: how many those are depends on what there is to break."""


def schedule(seed: int) -> Iterator[Planned]:
    """Without an end; the same for the same seed."""
    chance = random.Random(seed)
    while True:
        yield Planned(chance.uniform(0.5, 3.0), chance.choice(FAULTS), chance.getrandbits(64))


async def disturb(ground: Ground, seed: int, until: float) -> None:
    """One fault after another until that moment (monotonic)."""
    for planned in schedule(seed):
        await asyncio.sleep(planned.pause)
        if time.monotonic() > until:
            return
        await planned.fault(ground, random.Random(planned.seed))
        ground.done[planned.fault.__name__] += 1


async def keep_working(ground: Ground, lane: int, until: float) -> None:
    """One session after another, begun until that moment, each to its end."""
    number = 0
    while time.monotonic() < until:
        name = f"work-{lane}-{number}"
        number += 1
        folder = ground.folder / name
        folder.mkdir()
        try:
            async with asyncio.timeout(SESSION_SECONDS):
                await one_session(ground, Machine(folder), name)
        except TimeoutError:
            ground.wrong.append(f"{name}: not at its end after {SESSION_SECONDS:.0f} s")
        ground.done["sessions"] += 1


async def one_session(ground: Ground, machine: Machine, name: str) -> None:
    flags = ("--mode", "auto", "--no-sandbox", "--server", ground.proxy.address)
    state = Path(machine.environment["XDG_STATE_HOME"], "codegen")
    code, words = KILLED, ""
    while code == KILLED:
        known = [head.name for head in journals(state)]
        rest = ("--resume", known[0]) if known else (name,)
        process = await started(
            [*installed("codegen"), *flags, *rest], machine.project, machine.environment
        )
        ground.running[name] = process
        try:
            _, err = await process.communicate()
        finally:
            del ground.running[name]
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        code, words = process.returncode or 0, err.decode()
    if code != 0:
        ground.wrong.append(f"{name}: exit {code}: {words.splitlines()[-1:]}")
        return
    (session_id,) = (head.name for head in journals(state))
    async with open_ledger(Backends(database_url=ground.backing.database_url)) as ledger:
        history = await gathered(ledger, session_id, machine.project, name)
    ground.wrong += [f"{name}: {line}" for line in violations(history)]


async def run(sessions: int, seconds: float, seed: int, folder: Path) -> Ground:
    postgres, redis = find_postgres(), find_valkey()
    if postgres is None or redis is None:
        sys.exit("PostgreSQL and Redis of requirements/dev.txt are needed")
    model = Moody(Work(steps=5, seconds=0.2, pause=0.2), random.Random(seed))
    with PostgresServer.temporary(postgres) as server, RedisServer.temporary(redis) as bus:
        database = server.dsn_of(server.create_database())
        await migrate_ledger(Backends(database_url=database))
        async with ScriptedModel(model) as provider:
            backing = Backing(database, bus.url, provider.base_url)
            with maestros(folder, backing, "one", "two") as made:
                for maestro in made:
                    await maestro.start()
                async with chaos(*(maestro.address for maestro in made)) as proxy:
                    ground = Ground(folder, backing, made, bus, server, proxy, model)
                    end = time.monotonic() + seconds
                    lanes = (keep_working(ground, lane, end) for lane in range(sessions))
                    await asyncio.gather(disturb(ground, seed, end), *lanes)
    return ground


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos", description=__doc__)
    parser.add_argument("--sessions", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="cg-", dir="/tmp") as folder:
        its = Path(folder).resolve()
        ground = asyncio.run(run(given.sessions, given.seconds, given.seed, its))
    for what, times in sorted(ground.done.items()):
        print(f"{times:5} {what}")
    for line in ground.wrong:
        print(f"WRONG {line}")
    print("verdict: " + ("violations" if ground.wrong else "all invariants held"))
    return int(bool(ground.wrong))


if __name__ == "__main__":
    sys.exit(main())
