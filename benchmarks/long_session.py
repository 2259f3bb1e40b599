"""What the last turn of a long run costs against an early one.

    python -m benchmarks.long_session [--turns 1000] [--json FILE] [--quick]

One `codegen` with its private maestro makes so many shell calls in one run. A turn is the last byte
of an answer until the head of the next request; the figures are medians of ten turns around the
tenth, around the middle, and of the last ten.
"""

import argparse
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import msgspec

from benchmarks.agents import private
from benchmarks.measuring import Work, work_once
from benchmarks.model import running_model
from benchmarks.report import add_options, machine, machine_line, write_json
from benchmarks.table import table


class Report(msgspec.Struct, frozen=True):
    machine: dict[str, str]
    turn_ms: list[float]
    """Of each turn, in order."""
    request_kb: list[float]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.long_session")
    parser.add_argument("--turns", type=int, default=1000)
    add_options(parser)
    given = parser.parse_args(arguments)
    turns = 20 if given.quick else given.turns
    with (
        tempfile.TemporaryDirectory(prefix="cg-", dir="/tmp") as name,
        running_model(turns) as model,
    ):
        agent = private(model.base_url, Path(name) / "home", is_cold=True)
        unbounded = {"MAESTRO_MAX_STEPS": str(turns + 10), "MAESTRO_MAX_SECONDS": "100000"}
        agent = replace(agent, environment={**agent.environment, **unbounded})
        requests = work_once(agent, Work(model, turns, Path(name)))
    took = [
        (after.head_at - before.answered_at) * 1000
        for before, after in pairwise(requests)
        if before.answered_at is not None
    ]
    report = Report(machine(), took, [request.size / 1000 for request in requests])
    print(machine_line(report.machine), end="\n\n")
    early = statistics.median(took[5:15])
    rows = [
        (f"turn {place}", f"{ms:.1f}", f"{ms / early:.2f}", f"{report.request_kb[place]:.0f}")
        for place, ms in (
            (10, early),
            (turns // 2, statistics.median(took[turns // 2 - 5 : turns // 2 + 5])),
            (turns, statistics.median(took[-10:])),
        )
    ]
    print(table(("around", "turn ms", "against the tenth", "request kB"), rows))
    write_json(given.json, report)


if __name__ == "__main__":
    main()
