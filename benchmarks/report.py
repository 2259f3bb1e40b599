"""What all benchmarks share beside their question: percentiles, the machine, and where results go.

Measures nothing.
"""

import argparse
import os
import platform
from collections.abc import Sequence
from pathlib import Path

import msgspec


def machine() -> dict[str, str]:
    """Where it was measured, and how busy that was."""
    return {
        "processors": str(os.cpu_count()),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load": " ".join(f"{load:.1f}" for load in os.getloadavg()),
    }


def machine_line(told: dict[str, str]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in told.items())


def percentile(figures: Sequence[float], share: float) -> float:
    """The figure that `share` (0 to 1) of all do not exceed; 0 for none."""
    if not figures:
        return 0.0
    ordered = sorted(figures)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def add_options(parser: argparse.ArgumentParser) -> None:
    """`--json` and `--quick`, which every benchmark has."""
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there")
    parser.add_argument(
        "--quick", action="store_true", help="a few seconds: shows that it runs, and no more"
    )


def write_json(file: Path | None, report: msgspec.Struct) -> None:
    if file is not None:
        file.write_bytes(msgspec.json.format(msgspec.json.encode(report)))
