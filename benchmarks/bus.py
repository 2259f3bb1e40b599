"""What the bus costs from one publisher to one subscriber, in memory and over Redis.

    python -m benchmarks.bus [--count 2000] [--json FILE] [--quick]

*one*: a durable nudge is published and waited for, one after the other. *many*: live pieces in
batches of 100, as fast as they come through.
"""

import argparse
import sys
import time
from collections.abc import Sequence

import msgspec

from benchmarks.loops import run
from benchmarks.report import add_options, machine, machine_line, percentile, write_json
from benchmarks.table import table
from maestro.bus.memory import MemoryBus
from maestro.bus.redis_streams import RedisBus
from maestro.ports import Bus, HeadMoved, Live
from protocol.from_maestro import AgentMessageDelta
from tests.servers.redis_server import RedisServer, find_valkey

BATCH = 100


class Measured(msgspec.Struct, frozen=True):
    bus: str
    one_ms: list[float]
    many_per_s: float


class Report(msgspec.Struct, frozen=True):
    machine: dict[str, str]
    buses: list[Measured]


async def measure(name: str, bus: Bus, count: int) -> Measured:
    one_ms: list[float] = []
    async with bus.subscribe("session") as subscription:
        nudges = aiter(subscription)
        for head in range(count // 10):
            began = time.perf_counter()
            await bus.publish("session", HeadMoved(head))
            await anext(nudges)
            one_ms.append((time.perf_counter() - began) * 1000)
        began = time.perf_counter()
        for start in range(0, count, BATCH):
            for index in range(start, start + BATCH):
                await bus.publish("session", Live(AgentMessageDelta("g", "a word ", index)))
            for _ in range(BATCH):
                await anext(nudges)
        took = time.perf_counter() - began
    await bus.close()
    return Measured(name, one_ms, count / took)


async def _measure_both(url: str, count: int, measured: list[Measured]) -> None:
    measured.append(await measure("memory", MemoryBus(), count))
    measured.append(await measure("Redis", RedisBus(url), count))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bus")
    parser.add_argument("--count", type=int, default=20_000)
    add_options(parser)
    given = parser.parse_args(arguments)
    binary = find_valkey()
    if binary is None:
        sys.exit("bus: Redis of the development requirements can't run here")
    measured: list[Measured] = []
    with RedisServer.temporary(binary) as server:
        run(_measure_both(server.url, 500 if given.quick else given.count, measured))
    report = Report(machine(), measured)
    print(machine_line(report.machine), end="\n\n")
    rows = [
        (
            one.bus,
            *(f"{percentile(one.one_ms, share):.3f}" for share in (0.5, 0.95)),
            f"{one.many_per_s:.0f}",
        )
        for one in measured
    ]
    print(table(("bus", "one p50 ms", "one p95 ms", "many /s"), rows))
    write_json(given.json, report)


if __name__ == "__main__":
    main()
