"""Replay real history: `python -m tests.replay --count 500 --repository PATH`, or of packages.

    python -m tests.replay --repository ~/src/linux --count 1000
    python -m tests.replay --packages click==8.1.7,8.1.8 requests==2.31.0,2.32.0,2.32.3

The second form downloads wheels with pip; nothing of them is installed or run. Ends with 1 when a
file came out with other bytes.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.replay.history import Step, commits, releases
from tests.replay.replaying import WAYS, replay


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.replay", description=__doc__)
    parser.add_argument("--count", type=int, default=500, help="steps to replay at most")
    parser.add_argument("--way", choices=WAYS, default="edits")
    parser.add_argument("--pip", default="pip", help="the command that downloads")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--repository", type=Path, help="a git repository")
    source.add_argument("--packages", nargs="+", metavar="NAME==VERSION,VERSION")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="codegen-wheels-") as folder:
        steps: Iterator[Step]
        if chosen.repository is not None:
            steps = commits(chosen.repository, 3 * chosen.count)
        else:
            steps = (
                step
                for name in chosen.packages
                for step in _package(name, Path(folder), chosen.pip)
            )
        tally = asyncio.run(replay(steps, chosen.way, chosen.count))
    for wrong in tally.wrong:
        sys.stdout.write(f"{wrong}\n")
    sys.stdout.write(f"{chosen.way}: {tally}\n")
    return 1 if tally.wrong or not tally.files else 0


def _package(asked: str, folder: Path, pip: str) -> Iterator[Step]:
    name, _, versions = asked.partition("==")
    wheels: list[Path] = []
    for version in versions.split(","):
        place = folder / f"{name}-{version}"
        subprocess.run(
            [
                *(pip, "download", "--quiet", "--no-deps"),
                *("--disable-pip-version-check", "--only-binary=:all:", "--dest", str(place)),
                f"{name}=={version}",
            ],
            check=True,
        )
        wheels += place.glob("*.whl")
    return releases(wheels)


if __name__ == "__main__":
    sys.exit(main())
