"""What a killed executor has put up in the project is taken down without it.

A real process is killed while its commands run in a real sandbox; the project is looked at.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from executor.sandbox.stubs import holds_a_place
from tests.requirements import covers
from tests.security.sandbox.cell import FINDINGS, Cell

BOUND_S = 20.0


async def _until(done: Callable[[], bool]) -> None:
    ends = time.monotonic() + BOUND_S
    while not done():
        assert time.monotonic() < ends
        await asyncio.sleep(0.02)


async def runs(folder: Path, command: str) -> None:
    """In the process that is killed: two commands in one project."""
    cell = Cell(folder, "bubblewrap")
    await asyncio.gather(cell.ended(command.format(1)), cell.ended(command.format(2)))


def _held(root: Path) -> list[str]:
    return [name for name in os.listdir(root) if holds_a_place(str(root / name))]


@pytest.mark.skipif(FINDINGS.bubblewrap is None, reason="no bubblewrap")
@covers("R-SANDBOX-1")
async def test_a_killed_executor_leaves_no_folders_in_the_project(tmp_path: Path) -> None:
    words = "import asyncio, sys; from pathlib import Path; "
    words += "from tests.security.sandbox import test_killed as t; "
    words += "asyncio.run(t.runs(Path(sys.argv[1]), sys.argv[2]))"
    command = "touch src/began{}; while :; do sleep 0.05; done"
    executor = await asyncio.create_subprocess_exec(
        sys.executable, "-c", words, str(tmp_path), command
    )
    root = tmp_path / "project"
    await _until(lambda: (root / "src/began1").exists() and (root / "src/began2").exists())
    assert ".codegen" in _held(root)
    assert (root / ".git" / "commondir").exists()

    executor.send_signal(signal.SIGKILL)
    await executor.wait()
    await _until(lambda: not _held(root) and not (root / ".git" / "commondir").exists())

    assert not (root / ".git" / "worktrees").exists()
    assert (root / ".git" / "hooks").is_dir()
    assert (root / ".vscode" / "settings.json").read_text() == "{}\n"
