"""How many live sessions one maestro carries on this machine, and at what delay.

    python -m benchmarks.sessions [--sessions 100,250,500] [--seconds 15] [--json FILE] [--quick]

Each session streams `--rate` pieces of text a second and calls a tool every five seconds, which its
executor answers at once; the result is committed (PostgreSQL, fsync on) before the next generation
begins. Model, executors, databases and maestro are processes of their own on the same machine.

- *delay*: from the moment at which the model wrote a piece until an executor had it.
- *cores*: processor time of the maestro alone; *busy*: share of the machine that anything took.
- */health p95*: asked every 100 ms on one connection.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchmarks.live import Live, measure, standing
from benchmarks.report import add_options, machine, machine_line, write_json
from benchmarks.table import table

CALL_EVERY_S = 5.0


class Report(msgspec.Struct, frozen=True):
    machine: dict[str, str]
    windows: list[Live]


def print_windows(windows: Sequence[Live]) -> None:
    heads = (
        "sessions", "in /s", "out /s", "frames /s", "calls /s", "p50 ms", "p95 ms", "p99 ms",
        "cores", "us a piece", "busy", "MB", "/health p95 ms",
    )  # fmt: skip
    print(table(heads, [_row(window) for window in windows]))
    for window in windows:
        if window.heard.failed:
            print(f"{window.sessions} sessions: {window.heard.failed}")


def _row(live: Live) -> tuple[str, ...]:
    heard = live.heard
    out = heard.deltas / heard.seconds
    return (
        str(live.sessions),
        f"{live.offered_per_s:.0f}",
        f"{out:.0f}",
        f"{heard.frames / heard.seconds:.0f}",
        f"{heard.calls / heard.seconds:.0f}",
        *(f"{heard.delay_ms[name]:.0f}" for name in ("p50", "p95", "p99")),
        f"{live.maestro_cores:.2f}",
        f"{live.maestro_cores / max(out, 1.0) * 1e6:.0f}",
        f"{live.machine_busy:.2f}",
        f"{live.maestro_mb:.0f}",
        f"{live.health_p95_ms:.1f}",
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sessions")
    parser.add_argument("--sessions", default="100,250,500", help="how many, one after the other")
    parser.add_argument("--seconds", type=float, default=15.0, help="of each window")
    parser.add_argument("--rate", type=float, default=30.0, help="pieces a second and session")
    add_options(parser)
    given = parser.parse_args(arguments)
    numbers = [5] if given.quick else [int(word) for word in given.sessions.split(",")]
    seconds = 1.0 if given.quick else given.seconds
    every = 0.5 if given.quick else CALL_EVERY_S
    pieces = max(1, int(given.rate * every))
    source = ("--rate", str(given.rate), "--pieces", str(pieces), "--ends", "call")
    with (
        tempfile.TemporaryDirectory(prefix="cg-", dir="/tmp") as folder,
        standing(Path(folder), source) as maestro,
    ):
        windows = [measure(maestro, number, given.rate, seconds) for number in numbers]
    report = Report(machine(), windows)
    print(machine_line(report.machine), end="\n\n")
    print_windows(windows)
    write_json(given.json, report)
    if any(window.heard.deltas == 0 for window in windows):
        sys.exit("sessions: nothing was heard")


if __name__ == "__main__":
    main()
