"""What Glob, Grep and ReadFolder cost on a big tree, with ripgrep and without.

    python -m benchmarks.search [--files 100000] [--runs 3] [--json FILE] [--quick]

Makes the tree in a temporary folder and measures each search in processes of their own: time,
processor time of all that took part, how much the executor's process grew, whether the result is
partial, and how soon a search that is cancelled in the middle is over.
"""

import argparse
import asyncio
import multiprocessing
import os
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import msgspec

from benchmarks.report import add_options, machine, machine_line, write_json
from benchmarks.searching import Case, cancelled, finished, watched
from benchmarks.table import table

P = ParamSpec("P")
T = TypeVar("T")
PER_FOLDER = 50
FOLDERS_PER_FOLDER = 40
CANCELLED_MS = 500
"""A search that goes on longer than this after its cancellation is too slow."""

SEARCHES: tuple[tuple[str, str, dict[str, object]], ...] = (
    ("Glob **/*.py", "Glob", {"pattern": "**/*.py"}),
    ("Glob **/rare*", "Glob", {"pattern": "**/rare*"}),
    ("ReadFolder, depth 10", "ReadFolder", {"dir_path": ".", "depth": 10}),
    ("Grep needle", "Grep", {"pattern": "needle", "output": "files"}),
    ("Grep needle, any case", "Grep", {"pattern": "NEEDLE", "ignore_case": True}),
    ("Grep needle, type py", "Grep", {"pattern": "needle", "type": "py"}),
    (r"Grep \d{7}", "Grep", {"pattern": r"\d{7}"}),
    ("Grep nothing", "Grep", {"pattern": "nowhere_at_all"}),
)


class Row(msgspec.Struct, frozen=True):
    """Medians of one search's runs; the growth is the most."""

    search: str
    ripgrep: bool
    seconds: float
    cpu_seconds: float
    """Of all that took part."""
    grown_mb: float
    """The executor's process."""
    beside_mb: float
    """The processes that it started, together."""
    partial: bool
    rows: int
    cancelled_ms: float
    """The longest from the cancellation to the end of the call and of its processes."""


class Report(msgspec.Struct, frozen=True):
    machine: dict[str, str]
    files: int
    rows: list[Row]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search")
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    add_options(parser)
    given = parser.parse_args(arguments)
    files, runs = (1_000, 1) if given.quick else (given.files, given.runs)
    with tempfile.TemporaryDirectory(prefix="codegen-search-") as folder:
        root = Path(folder) / "tree"
        _grow(root, files)
        rows = [
            _row(root, case, label, runs)
            for label, tool, parameters in (SEARCHES[2:4] if given.quick else SEARCHES)
            for case in _ways(tool, parameters)
        ]
    report = Report(machine(), files, rows)
    print(f"{machine_line(report.machine)}\n{files:,} files; medians of {runs}\n")
    heads = (
        "search",
        "by",
        "s",
        "CPU s",
        "grows MB",
        "beside MB",
        "partial",
        "rows",
        "cancelled ms",
    )
    print(table(heads, [_cells(row) for row in rows]))
    write_json(given.json, report)


def _ways(tool: str, parameters: dict[str, object]) -> list[Case]:
    """Only Grep makes use of ripgrep."""
    program = shutil.which("rg") if tool == "Grep" else None
    ways = [Case(tool, parameters, "")]
    return [Case(tool, parameters, str(Path(program).parent)), *ways] if program else ways


def _row(root: Path, case: Case, label: str, runs: int) -> Row:
    made = [_apart(finished, root, case) for _ in range(runs)]
    seconds = statistics.median(one.seconds for one in made)
    beside = _apart(watched, root, case)
    ended = [
        _apart(cancelled, root, case, seconds * (number + 1) / (runs + 1)) for number in range(runs)
    ]
    return Row(
        label,
        bool(case.ripgrep),
        seconds,
        statistics.median(one.cpu_seconds for one in made) + beside.cpu_seconds,
        max(one.grown_mb for one in made),
        beside.resident_mb,
        any(one.partial for one in made),
        made[0].rows,
        max(ended) * 1000,
    )


def _apart(work: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **named: P.kwargs) -> T:
    """In a fresh process: what an earlier search left in memory would hide what this one takes."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_run, work, *args, **named).result()


def _run(work: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **named: P.kwargs) -> T:
    return asyncio.run(work(*args, **named))


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.search,
        "ripgrep" if row.ripgrep else "Python",
        f"{row.seconds:.2f}",
        f"{row.cpu_seconds:.2f}",
        f"{row.grown_mb:.0f}",
        f"{row.beside_mb:.0f}",
        "yes" if row.partial else "no",
        f"{row.rows:,}",
        f"{row.cancelled_ms:.0f}{'' if row.cancelled_ms <= CANCELLED_MS else ' (too long)'}",
    )


def _grow(root: Path, files: int) -> None:
    """Sources of some 2 kB, one in a hundred with the needle; a twentieth is ignored by git."""
    dice = random.Random(1)
    now = time.time_ns()
    words = [f"word{number:x}" for number in range(500)]
    lines = [f"    {' '.join(dice.choices(words, k=7))}\n" for _ in range(2_000)]
    for number in range(files):
        place = number // PER_FOLDER
        folder = root / f"package{place // FOLDERS_PER_FOLDER}" / f"part{place}"
        if number % PER_FOLDER == 0:
            folder.mkdir(parents=True)
            (folder / ".gitignore").write_text("ignored*\n")
        kind = "ignored" if number % 20 == 0 else "rare" if number % 5_000 == 7 else "module"
        path = folder / f"{kind}{number}.{('py', 'ts', 'md')[number % 3]}"
        text = "".join(dice.sample(lines, dice.randrange(10, 70)))
        path.write_text(f"{text}needle{number:07}\n" if number % 100 == 3 else text)
        changed = now - dice.randrange(10**15)
        os.utime(path, ns=(changed, changed))


if __name__ == "__main__":
    main()
