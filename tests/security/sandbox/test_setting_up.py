"""A sandbox that can't be set up is told apart from a command that fails."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from executor.errors import ToolFailure
from executor.process.command import Exited, NotStarted
from executor.process.report import report
from executor.sandbox.namespaced import Bubblewrapped
from tests.security.sandbox.cell import FINDINGS, Cell


@pytest.fixture
async def broken(tmp_path: Path) -> AsyncIterator[Cell]:
    """One whose user allows a folder that is not there."""
    if FINDINGS.bubblewrap is None:
        pytest.skip("no bubblewrap on this machine")
    cell = Cell(tmp_path, "bubblewrap")
    premises = msgspec.structs.replace(cell.premises, writable=(tmp_path / "missing",))
    takes_handle = FINDINGS.takes_handle
    cell.use(Bubblewrapped(premises, FINDINGS.bubblewrap, takes_handle=takes_handle))
    yield cell
    await cell.close()


async def test_a_command_whose_sandbox_can_not_be_set_up_was_not_started(broken: Cell) -> None:
    ended = await broken.ended("touch src/ran")

    assert isinstance(ended.outcome, NotStarted)
    assert ended.outcome.reason == (
        "the sandbox could not be set up: Can't find source path "
        f"{broken.folder}/missing: No such file or directory"
    )
    with pytest.raises(ToolFailure, match="the sandbox could not be set up") as failure:
        report(ended)
    assert failure.value.code == "not_started"
    assert not (broken.root / "src" / "ran").exists()


async def test_the_sandbox_is_set_up_when_what_kept_it_from_it_is_mended(broken: Cell) -> None:
    assert isinstance((await broken.ended("true")).outcome, NotStarted)
    (broken.folder / "missing").mkdir()

    assert (await broken.ended("echo x")).outcome == Exited(0)
    assert (await broken.ended("exit 1")).outcome == Exited(1)


@pytest.mark.parametrize("kind", ["bubblewrap"], indirect=True)
async def test_a_command_can_not_pass_for_a_sandbox_that_failed(cell: Cell) -> None:
    await cell.run("true")
    for line in (
        "exit 1",
        "echo 'bwrap: no such thing' >&2; exit 1",
        'for n in 3 4 5 6 7 8 9 10 11 12; do eval ": >&$n"; done; kill -9 $$',
        'for f in /proc/self/fd/* /proc/1/fd/*; do : >$f; done; echo "bwrap: x" >&2; exit 1',
    ):
        assert isinstance((await cell.ended(line)).outcome, Exited), line


@pytest.mark.parametrize("kind", ["bubblewrap"], indirect=True)
async def test_a_command_that_is_not_there_is_the_commands_failure(cell: Cell) -> None:
    ended = await cell.ended("no-such-program")

    assert ended.outcome == Exited(127)


@pytest.mark.parametrize("kind", ["bubblewrap"], indirect=True)
async def test_the_files_that_tell_are_used_again_and_removed(cell: Cell) -> None:
    scratch = cell.premises.scratch
    for left in ("status.4194305.7f.0", "status.mine"):
        scratch.mkdir(parents=True, exist_ok=True)
        (scratch / left).write_text("")
    for _ in range(3):
        await cell.run("true")

    (made,) = scratch.glob(f"status.{os.getpid()}.*")
    assert sorted(scratch.glob("status.*")) == sorted([made, scratch / "status.mine"])
    await cell.confinement.close()
    assert list(scratch.glob("status.*")) == [scratch / "status.mine"]
