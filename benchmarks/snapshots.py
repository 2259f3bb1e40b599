"""Measure what keeping snapshots costs on a big tree: `python -m benchmarks.snapshots`.

Makes the tree in a temporary folder, plays runs that change a few files, prints a table or JSON;
beside it, what git takes for the same look at the same tree.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from executor.snapshots import choose
from executor.snapshots.place import Owner, snapshot_folder
from executor.snapshots.snapshots import Snapshots, Watch
from executor.snapshots.timeline import Described
from executor.snapshots.undoing import undo

PER_FOLDER = 20
Timings = dict[str, list[float]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=50_000)
    parser.add_argument("--bytes", type=int, default=1_000_000_000, help="of the whole tree")
    parser.add_argument("--changed", type=int, default=10, help="files that each run changes")
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="codegen-snapshots-") as folder:
        root = Path(folder) / "tree"
        _tree(root, asked.files, asked.bytes)
        timings = _measured(root, Path(folder) / "state", asked.changed, asked.runs)
        program = shutil.which("git")
        if program is not None:
            timings |= _git(program, root, asked.runs)
        kept = sum(path.stat().st_size for path in (Path(folder) / "state").rglob("*.sqlite3"))
    medians = {name: round(statistics.median(values), 1) for name, values in timings.items()}
    if asked.json:
        print(json.dumps({**vars(asked), "ms": medians, "store_bytes": kept}))
        return 0
    print(f"{asked.files:,} files, {asked.bytes:,} bytes, {asked.changed} changed; medians in ms")
    for name, median in medians.items():
        print(f"{name:<58} {median:>10,.1f}")
    print(f"{'store on disk, MB':<58} {kept / 1e6:>10,.0f}")
    return 0


def _tree(root: Path, files: int, size: int) -> None:
    dice = random.Random(1)
    noise = dice.randbytes(2 * size // files + 1)
    for number in range(files):
        folder = root / f"a{number // PER_FOLDER % 50}" / f"b{number // PER_FOLDER}"
        if number % PER_FOLDER == 0:
            folder.mkdir(parents=True)
        length = dice.randrange(2 * size // files)
        (folder / f"file{number}.py").write_bytes(b"%d\n" % number + noise[:length])


def _measured(root: Path, state: Path, changed: int, runs: int) -> Timings:
    timings: Timings = {}

    def timed(name: str, work: Callable[[], object]) -> object:
        began = time.perf_counter()
        made = work()
        timings.setdefault(name, []).append((time.perf_counter() - began) * 1000)
        return made

    folder = snapshot_folder(state, root)
    snapshots = Snapshots(folder, root)
    _call(snapshots, root, 0, lambda name, work: timed(f"first snapshot: {name}", work))
    snapshots.close()
    for _ in range(runs):
        fresh = Snapshots(folder, root)
        _call(fresh, root, changed, lambda name, work: timed(f"{name}, process just started", work))
        for _ in range(2):
            _call(fresh, root, changed, timed)
        _edit(fresh, root, timed)
        _undo(fresh, timed)
        fresh.close()
    return timings


Timed = Callable[[str, Callable[[], object]], object]


def _call(snapshots: Snapshots, root: Path, changed: int, timed: Timed) -> None:
    owner = Owner(snapshots.folder, "bench")
    about = Described(run=str(time.time_ns()), call="c", tool="Shell", whole=True)
    begun: list[int] = []

    def before() -> None:
        made = snapshots.begin_whole(about, owner, Watch())
        assert made is not None
        begun.append(made[0])

    timed("before a command", before)
    for number in range(changed):
        _change(root, number)
    timed("after a command", lambda: snapshots.finish(begun[0], Watch(), whole=True))
    owner.close()


def _edit(snapshots: Snapshots, root: Path, timed: Timed) -> None:
    owner = Owner(snapshots.folder, "bench")
    about = Described(run=str(time.time_ns()), call="c", tool="Edit")
    path = str(_file(root, 0).relative_to(root))
    begun: list[int] = []
    timed("before an edit", lambda: begun.append(snapshots.begin(about, owner, [path])))
    _change(root, 0)
    timed("after an edit", lambda: snapshots.finish(begun[0], Watch(), whole=False))
    owner.close()


def _undo(snapshots: Snapshots, timed: Timed) -> None:
    chosen = choose.last_run(snapshots.timeline.all())
    timed("undo of a run", lambda: undo(snapshots, chosen))


def _file(root: Path, number: int) -> Path:
    number *= PER_FOLDER * 7
    return root / f"a{number // PER_FOLDER % 50}" / f"b{number // PER_FOLDER}" / f"file{number}.py"


def _change(root: Path, number: int) -> None:
    with _file(root, number).open("ab") as file:
        file.write(b"more\n")


def _git(program: str, root: Path, runs: int) -> Timings:
    """A shadow repository beside it, with `git add -A` as its snapshot."""
    environment = {"PATH": os.environ["PATH"], "GIT_DIR": str(root.parent / "shadow")}
    environment["GIT_WORK_TREE"] = str(root)

    def git(*arguments: str) -> float:
        began = time.perf_counter()
        subprocess.run([program, *arguments], env=environment, cwd=root, check=True)
        return (time.perf_counter() - began) * 1000

    git("init", "-q")
    git("config", "core.untrackedCache", "true")
    timings = {"git: first `git add -A`": [git("add", "-A")], "git: `git add -A` after": []}
    for _ in range(runs):
        for number in range(10):
            _change(root, number)
        timings["git: `git add -A` after"].append(git("add", "-A"))
    return timings


if __name__ == "__main__":
    sys.exit(main())
