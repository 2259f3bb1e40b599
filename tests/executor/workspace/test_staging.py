"""Sets of changes: what is refused beforehand, and what becomes of a set that fails half-way."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from executor.errors import ToolFailure
from executor.workspace import Workspace
from executor.workspace.files import MISSING
from executor.workspace.staging import Change
from tests.executor.workspace.unprivileged import NOBODY, unprivileged
from tests.requirements import covers


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    (tmp_path / "locked").mkdir()
    for name in ("a", "b", "locked/f"):
        (tmp_path / name).write_text("old\n")
    workspace = Workspace(tmp_path)
    yield workspace
    workspace.close()


@covers("R-FILE-12")
def test_a_set_that_fails_is_taken_back_as_far_as_anybody_knows_what_was_there(
    workspace: Workspace,
) -> None:
    """Only what had been read can be put back; what had not is left as it has become."""
    stale = MISSING
    for before, expected in ((b"old\n", "old\n"), (None, "new\n")):
        changes = [
            Change("made/deep/c", b"new\n"),
            Change("a", b"new\n", before=before),
            Change("b", b"new\n", expected=stale),
        ]
        with pytest.raises(ToolFailure) as failed:
            workspace.commit(changes)

        assert failed.value.code == "stale"
        assert (workspace.root / "a").read_text() == expected
        assert sorted(os.listdir(workspace.root)) == ["a", "b", "locked"]


@pytest.mark.parametrize("path", ["locked", "fifo"])
def test_what_is_no_file_is_not_written(workspace: Workspace, path: str) -> None:
    os.mkfifo(workspace.root / "fifo")

    with pytest.raises(ToolFailure) as refused:
        workspace.require_writable(path)

    assert refused.value.code == "not_a_file"


def test_what_is_write_protected_is_neither_replaced_nor_taken_away(workspace: Workspace) -> None:
    (workspace.root / "a").chmod(0o444)
    (workspace.root / "locked/f").chmod(0o666)
    (workspace.root / "locked").chmod(0o555)
    workspace.root.chmod(0o755)
    if os.geteuid() == 0:
        os.chown(workspace.root / "locked", NOBODY, NOBODY)

    with unprivileged():
        with pytest.raises(ToolFailure, match="a is write-protected") as file:
            workspace.require_writable("a")
        with pytest.raises(ToolFailure, match="The folder of locked/f is write-prot") as folder:
            workspace.commit([Change("locked/f", None)])

    (workspace.root / "locked").chmod(0o755)
    assert (file.value.code, folder.value.code) == ("unwritable", "unwritable")
    assert (workspace.root / "locked/f").read_text() == "old\n"
