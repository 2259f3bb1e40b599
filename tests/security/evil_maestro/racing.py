"""A folder and a file of the project turn into links that lead out, while a maestro orders on them.

`python -m tests.security.evil_maestro.racing --rounds 500` is the long form; it prints how many
orders of each tool found the project, and stops at the first trace of anything outside.
"""

import argparse
import asyncio
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.e2e.machine import SECONDS, Machine, ended
from tests.executor.workspace.swapping import changing_places
from tests.security.evil_maestro.grounds import CANARY, build, outside
from tests.security.evil_maestro.server import Victim, evil_maestro

Order = tuple[str, dict[str, Any]]
_PATCH = "*** Begin Patch\n{}\n*** End Patch"
_PER_BATCH = 3
"""Rounds that are under way at once: below the bound on calls."""
INSIDE = "inside: do-not-tell"
"""It shares a word with what lies outside, so that an edit would fit there too."""


def prepare(machine: Machine) -> None:
    """`swap` and `turn` change places, `file` and `turned` do: one is real, the other leads out."""
    build(machine)
    project = machine.project
    (project / "swap" / "deep").mkdir(parents=True)
    for file in (project / "swap" / "canary", project / "swap" / "deep" / "canary"):
        file.write_text(f"{INSIDE}\n")
    (project / "turn").symlink_to("../outside")
    (project / "file").write_text(f"{INSIDE}\n")
    (project / "turned").symlink_to("../outside/canary")


def orders(number: int) -> Iterator[Order]:
    """Every tool that touches files, once, by names that are the project's half of the time."""
    added, moved = f"swap/added-{number}", f"swap/moved-{number}"
    update = "@@\n inside: do-not-tell\n+more"
    yield "ReadFile", {"file_path": "swap/canary"}
    yield "ReadFile", {"file_path": "swap/deep/canary"}
    yield "ReadFile", {"file_path": "file"}
    yield "ReadFolder", {"dir_path": "swap", "depth": 3}
    yield "Glob", {"pattern": "**/*", "path": "swap"}
    yield "Grep", {"pattern": "do-not", "path": "swap"}
    yield "Grep", {"pattern": "do-not", "path": "file"}
    yield "WriteFile", {"file_path": f"swap/written-{number}", "content": "x"}
    yield "WriteFile", {"file_path": f"swap/new-{number}/written", "content": "x"}
    yield "WriteFile", {"file_path": "file", "content": f"{INSIDE}\n{number}\n"}
    for path in ("swap/canary", "file"):
        change = {"old_string": "do-not-tell", "new_string": f"do-not-tell {number}"}
        yield "Edit", {"file_path": path, **change, "replace_all": True}
    yield "ApplyPatch", {"patch": _PATCH.format(f"*** Add File: {added}\n+x")}
    yield "ApplyPatch", {"patch": _PATCH.format(f"*** Update File: swap/deep/canary\n{update}")}
    move = f"*** Update File: {added}\n*** Move to: {moved}\n@@\n-x\n+y"
    yield "ApplyPatch", {"patch": _PATCH.format(move)}
    yield "ApplyPatch", {"patch": _PATCH.format(f"*** Delete File: {moved}")}


async def race(machine: Machine, rounds: int) -> Counter[tuple[str, str]]:
    """How often each tool came to which end. AssertionError: something led out."""
    prepare(machine)
    before = outside(machine)
    counted: Counter[tuple[str, str]] = Counter()
    project = machine.project
    async with evil_maestro() as evil:
        machine.use_server(evil.address, "token-0000")
        process = await machine.start("--trust", "--mode", "auto-edit", "do it")
        over = asyncio.ensure_future(ended(process, SECONDS + rounds))
        victim = await evil.victim()
        await victim.start()
        with ExitStack() as racers:
            racers.enter_context(changing_places(project / "swap", project / "turn"))
            racers.enter_context(changing_places(project / "file", project / "turned"))
            for first in range(0, rounds, _PER_BATCH):
                counted += await _batch(victim, range(first, min(first + _PER_BATCH, rounds)))
                assert not any(CANARY in heard for heard in victim.heard), "it was told"
                victim.heard.clear()
        await victim.finish()
        ran = await over
    assert "Traceback" not in ran.err, ran.err
    assert outside(machine) == before
    assert kept(machine.folder / "state") == []
    return counted


async def _batch(victim: Victim, rounds: range) -> Counter[tuple[str, str]]:
    under_way: list[tuple[str, str]] = []
    for number in rounds:
        for index, (tool, parameters) in enumerate(orders(number)):
            tool_id = f"t{number}-{index}"
            await victim.order(tool_id, tool, parameters)
            under_way.append((tool_id, tool))
    return Counter(
        [(tool, (await victim.result(tool_id))["status"]) for tool_id, tool in under_way]
    )


def kept(state: Path) -> list[str]:
    """Files of the executor's own that hold what lies outside: its snapshots, too."""
    files = (file for file in state.rglob("*") if file.is_file())
    return [str(file) for file in files if CANARY.encode() in file.read_bytes()]


async def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.security.evil_maestro.racing")
    parser.add_argument("--rounds", type=int, default=500)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cg-", dir="/tmp") as folder:
        counted = await race(Machine(Path(folder).resolve()), chosen.rounds)
    for (tool, status), count in sorted(counted.items()):
        sys.stdout.write(f"{tool:12} {status:10} {count:6}\n")
    sys.stdout.write(f"{counted.total()} orders: nothing outside was read or changed\n")


if __name__ == "__main__":
    asyncio.run(main())
