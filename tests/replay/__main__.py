"""Replay real history: `python -m tests.replay --count 500 --repository PATH`, or of packages.

    python -m tests.replay --repository ~/src/linux --count 1000
    python -m tests.replay --packages click==8.1.7,8.1.8 requests==2.31.0,2.32.0,2.32.3

Packages are wheels, downloaded with pip; nothing of them is installed or run, and a version that
can't be had is named and skipped. Ends with 1 when a file came out with other bytes.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.replay.history import Step, commits, releases
from tests.replay.packages import had, wheels
from tests.replay.replaying import WAYS, replay


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.replay", description=__doc__)
    parser.add_argument("--count", type=int, default=500, help="steps to replay at most, each way")
    parser.add_argument("--way", choices=(*WAYS, "both"), default="both")
    parser.add_argument("--pip", default="pip", help="the command that downloads")
    parser.add_argument("--wheels", type=Path, metavar="FOLDER", help="keep what is downloaded")
    parser.add_argument("--repository", type=Path, help="a git repository")
    parser.add_argument("--packages", nargs="+", default=(), metavar="NAME==VERSION,VERSION")
    chosen = parser.parse_args()
    if not chosen.repository and not chosen.packages:
        parser.error("one of --repository and --packages is needed, or both")
    with tempfile.TemporaryDirectory(prefix="codegen-wheels-") as folder:
        packages = _packages(chosen.packages, chosen.wheels or Path(folder), chosen.pip)
        return max(
            _replayed(way, _steps(chosen.repository, packages, chosen.count), chosen.count)
            for way in (WAYS if chosen.way == "both" else (chosen.way,))
        )


def _packages(asked: list[str], folder: Path, pip: str) -> list[list[Path]]:
    """The wheels of each package, in the order of its versions; those missing are named."""
    packages: list[list[Path]] = []
    for one in asked:
        found, missing = had(wheels(one, folder, pip))
        packages.append(found)
        for version in missing:
            sys.stdout.write(f"skipped {version.asked}: {version.why}\n")
    return packages


def _steps(repository: Path | None, packages: list[list[Path]], count: int) -> Iterator[Step]:
    if repository is not None:
        yield from commits(repository, 3 * count)
    for package in packages:
        yield from releases(package)


def _replayed(way: str, steps: Iterator[Step], count: int) -> int:
    tally = asyncio.run(replay(steps, way, count))
    for wrong in tally.wrong:
        sys.stdout.write(f"{wrong}\n")
    sys.stdout.write(f"{way}: {tally}\n")
    return 1 if tally.wrong or not tally.files else 0


if __name__ == "__main__":
    sys.exit(main())
