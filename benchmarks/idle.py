"""What an attached session that does nothing costs the maestro in memory.

    python -m benchmarks.idle [--sessions 500] [--json FILE] [--quick]

Attaches so many executors, lets each have one short run, and compares the memory that the maestro's
process really takes (PSS) with what it took under half as many: what does not grow is not counted.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchmarks.live import idling, standing
from benchmarks.processes import pss_mb
from benchmarks.report import add_options, machine, machine_line, write_json
from benchmarks.table import table

SETTLE_S = 2.0


class Report(msgspec.Struct, frozen=True):
    machine: dict[str, str]
    sessions: int
    maestro_mb: dict[str, float]
    """PSS with nobody, with half of the sessions, with all of them."""
    session_kb: float


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.idle")
    parser.add_argument("--sessions", type=int, default=500)
    add_options(parser)
    given = parser.parse_args(arguments)
    half = 5 if given.quick else given.sessions // 2
    with (
        tempfile.TemporaryDirectory(prefix="cg-", dir="/tmp") as folder,
        standing(Path(folder), ("--pieces", "1", "--rate", "100")) as maestro,
    ):
        mb = {"nobody": pss_mb([maestro.pid])}
        with idling(maestro, half):
            mb["half"] = _settled_mb(maestro.pid, quick=given.quick)
            with idling(maestro, half):
                mb["all"] = _settled_mb(maestro.pid, quick=given.quick)
    session_kb = (mb["all"] - mb["half"]) * 1000 / half
    report = Report(machine(), 2 * half, mb, session_kb)
    print(machine_line(report.machine), end="\n\n")
    heads = ("idle sessions", "maestro MB", "kB a session")
    rows = [
        ("0", f"{mb['nobody']:.1f}", ""),
        (str(half), f"{mb['half']:.1f}", ""),
        (str(2 * half), f"{mb['all']:.1f}", f"{session_kb:.0f}"),
    ]
    print(table(heads, rows))
    write_json(given.json, report)


def _settled_mb(pid: int, *, quick: bool) -> float:
    time.sleep(0.1 if quick else SETTLE_S)
    return pss_mb([pid])


if __name__ == "__main__":
    main()
