"""An executor and a maestro of different revisions, with the same work for both.

`python -m tests.security.skew --revision REV` gives an earlier revision's executor to this maestro,
and this executor to its maestro. Needs the history; dependencies are those of this checkout.
"""

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from typing import Literal

from tests.architecture.sources import ROOT
from tests.e2e.machine import KEY, Machine, Ran, ended, started
from tests.e2e.team import LISTENS
from tests.scripted_model import Reply, ScriptedModel, call, calls, text
from tests.servers.child import Child

FIRST = "9af3f4b"
"""The first revision in which one machine's work was whole."""
PACKAGES = ("protocol", "executor", "maestro")
Side = Literal["executor", "maestro"]
SIDES: tuple[Side, Side] = ("executor", "maestro")
WORK: Sequence[Reply] = (
    calls(call("WriteFile", file_path="made.py", content="print('made')\n")),
    calls(call("ReadFile", file_path="made.py"), call("Grep", pattern="made", path=".")),
    calls(call("Edit", file_path="made.py", old_string="made", new_string="mended")),
    calls(call("Shell", command="cat made.py")),
    calls(call("UpdatePlan", steps=[{"title": "mend", "status": "done"}])),
    text("All done."),
)
LAST = "print('mended')\n"


def has(revision: str) -> bool:
    """Whether the history goes back to it."""
    command = ["git", "cat-file", "-e", f"{revision}^{{commit}}"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 0


def unpack(revision: str, folder: Path) -> None:
    """The programs of that revision, as they were."""
    command = ["git", "archive", "--format=tar", revision, *PACKAGES]
    packed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")


async def played(old: Path, older: Side, folder: Path) -> tuple[Ran, str]:
    """The work, with one side from `old`: how `codegen` ended, and what its file holds then."""
    machine = Machine(folder)
    trees = {side: old if side == older else ROOT for side in SIDES}
    async with (
        ScriptedModel(WORK) as model,
        _maestro(trees["maestro"], folder, model.base_url) as address,
    ):
        machine.use_server(f"ws://{address}", "unused-0000")
        environment = machine.environment | {"PYTHONPATH": str(trees["executor"])}
        command = [sys.executable, "-P", "-m", "executor.cli.main", "--mode", "auto-edit"]
        ran = await ended(await started([*command, "do it"], machine.project, environment))
    made = machine.project / "made.py"
    return ran, made.read_text() if made.exists() else ""


@asynccontextmanager
async def _maestro(tree: Path, folder: Path, model_url: str) -> AsyncGenerator[str]:
    log = folder / "maestro.log"
    log.touch()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": str(tree),
        "OPENAI_API_KEY": KEY,
        "OPENAI_BASE_URL": model_url,
        "MAESTRO_MODEL": "openai/scripted",
        "MAESTRO_DATABASE_URL": f"sqlite:///{folder / 'ledger.db'}",
    }
    words = ["/usr/bin/env", "-i", *(f"{name}={value}" for name, value in environment.items())]
    words += [sys.executable, "-P", "-m", "maestro", "serve", "--port", "0", "--auth", "none"]
    child = Child(words, log=log)
    try:
        await asyncio.to_thread(
            child.wait_until, lambda: LISTENS.search(log.read_text()) is not None
        )
        found = LISTENS.search(log.read_text())
        assert found is not None
        yield f"127.0.0.1:{found[1]}"
    finally:
        child.end(signal.SIGKILL)


async def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.security.skew")
    parser.add_argument("--revision", default=FIRST)
    revision = parser.parse_args().revision
    failed = False
    with tempfile.TemporaryDirectory(prefix="cg-", dir="/tmp") as folder:
        old = Path(folder, "old")
        unpack(revision, old)
        for side in SIDES:
            place = Path(folder, side)
            place.mkdir()
            ran, content = await played(old, side, place)
            well = (ran.code, content) == (0, LAST)
            failed = failed or not well
            told = "works" if well else f"ends with {ran.code}: {ran.err}{content}"
            sys.stdout.write(f"{side} of {revision}, the rest of this checkout: {told}\n")
    return int(failed)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
