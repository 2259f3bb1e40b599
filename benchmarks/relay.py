"""How much streamed text one maestro relays, with the floors of Redis and of a socket beside it.

    python -m benchmarks.relay [--sessions 500] [--seconds 15] [--json FILE] [--quick]

A model writes `--rate` pieces a second to each of `--sessions` generations; one maestro (edge and
worker in one process) reads them, publishes them through Redis, reads them back and sends them to
the executors. No tool is called. The floors do a part of that alone, each in this process: entries
written to a Redis stream and read back by the maestro's own two connections, and frames written to
a socket and parsed.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchmarks.bus import measure as measure_bus
from benchmarks.live import Live, measure, standing
from benchmarks.loops import run
from benchmarks.report import add_options, machine, machine_line, write_json
from benchmarks.sessions import print_windows
from benchmarks.table import table
from maestro.bus.redis_streams import RedisBus
from tests.servers.redis_server import RedisServer, find_valkey

BATCH = 100


class Floor(msgspec.Struct, frozen=True):
    what: str
    per_s: float


class Report(msgspec.Struct, frozen=True):
    machine: dict[str, str]
    relay: Live
    floors: list[Floor]


async def floors(count: int, folder: Path, found: list[Floor]) -> None:
    binary = find_valkey()
    if binary is None:
        sys.exit("relay: Redis of the development requirements can't run here")
    with RedisServer.temporary(binary) as server:
        through = await measure_bus("Redis", RedisBus(server.url), count)
        found.append(Floor("bus over Redis: published and received", through.many_per_s))
    found.append(Floor("socket: frames written and parsed", await _socket(folder, count)))


async def _socket(folder: Path, count: int) -> float:
    """Frames of one piece each over a unix socket, both ends in this process."""
    frame = msgspec.json.encode({"type": "agent_message_delta", "payload": {"content": "a word "}})
    heard = 0
    done = asyncio.Event()

    async def read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal heard
        while size := await reader.read(2):
            msgspec.json.decode(await reader.readexactly(int.from_bytes(size, "big")))
            heard += 1
        writer.close()
        done.set()

    path = str(folder / "floor.sock")
    server = await asyncio.start_unix_server(read, path)
    began = time.monotonic()
    _, writer = await asyncio.open_unix_connection(path)
    for number in range(count):
        writer.write(len(frame).to_bytes(2, "big") + frame)
        if number % BATCH == 0:
            await writer.drain()
    writer.close()
    await done.wait()
    assert heard == count
    took = time.monotonic() - began
    server.close()
    return count / took


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.relay")
    parser.add_argument("--sessions", type=int, default=500)
    parser.add_argument("--rate", type=float, default=30.0, help="pieces a second and session")
    parser.add_argument("--seconds", type=float, default=15.0)
    add_options(parser)
    given = parser.parse_args(arguments)
    sessions, seconds, count = (
        (5, 1.0, 1000) if given.quick else (given.sessions, given.seconds, 50_000)
    )
    # Long enough that no generation ends while it is measured.
    pieces = int(given.rate * (seconds + 60))
    source = ("--rate", str(given.rate), "--pieces", str(pieces))
    found: list[Floor] = []
    with tempfile.TemporaryDirectory(prefix="cg-", dir="/tmp") as name:
        with standing(Path(name), source) as maestro:
            relay = measure(maestro, sessions, given.rate, seconds)
        run(floors(count, Path(name), found))
    report = Report(machine(), relay, found)
    print(machine_line(report.machine), end="\n\n")
    print_windows([relay])
    print()
    print(table(("floor", "per second"), [(one.what, f"{one.per_s:.0f}") for one in found]))
    write_json(given.json, report)


if __name__ == "__main__":
    main()
