"""What the model is told of paths that can't be followed, and of names it writes in escapes."""

import errno
import os
from pathlib import Path

import pytest

from executor.errors import OutsideWorkspace, ToolFailure
from executor.workspace import Workspace
from executor.workspace.root import failure_of


@pytest.mark.parametrize(
    ("number", "code", "message"),
    [
        (errno.EACCES, "permission", "f: Permission denied."),
        (errno.EPERM, "permission", "f: Operation not permitted."),
        (errno.EROFS, "permission", "f: Read-only file system."),
        (errno.ENOSPC, "no_space", "f was not written: No space left on device."),
        (errno.EDQUOT, "no_space", "f was not written: Disk quota exceeded."),
        (errno.ENOTDIR, "not_found", "f runs through something that is no folder."),
        (errno.ELOOP, "changed", "f is being changed by somebody else; try again."),
        (errno.ENOENT, "changed", "f is being changed by somebody else; try again."),
        (errno.EEXIST, "changed", "f is being changed by somebody else; try again."),
        (errno.EIO, "unreadable", "f: Input/output error."),
    ],
)
def test_an_error_of_the_system_says_what_can_be_done(number: int, code: str, message: str) -> None:
    failure = failure_of("f", OSError(number, os.strerror(number)))

    assert (failure.code, failure.message) == (code, message)


def test_an_escaped_name_is_the_odd_file_unless_a_file_is_called_so(
    workspace: Workspace, tmp_path: Path
) -> None:
    assert workspace.resolve(r"a\x0ab").real == (r"a\x0ab",)
    (tmp_path / "a\nb").write_text("odd")
    assert workspace.read(r"a\x0ab").content == b"odd"
    (tmp_path / r"a\x0ab").write_text("plain")
    assert workspace.read(r"a\x0ab").content == b"plain"


def test_a_name_that_no_folder_can_hold_leads_nowhere(workspace: Workspace) -> None:
    with pytest.raises(OutsideWorkspace, match="can't be followed: File name too long"):
        workspace.resolve("x" * 300)


def test_a_search_passes_over_what_is_gone_or_no_file(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/f").write_text("here")
    before = len(os.listdir("/proc/self/fd"))

    found = [
        workspace.read_quietly(parts, limit)
        for parts, limit in ((("a", "f"), 9), (("a", "f"), 3), (("a",), 9), (("a", "b", "c"), 9))
    ]

    assert found == [b"here", None, None, None]
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_path_may_name_the_root_by_more_steps_up_than_it_spells(
    workspace: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "in").symlink_to("a/b")

    assert workspace.resolve("in/../..").real == ()
    with pytest.raises(ToolFailure) as refused:
        workspace.read("in/../..")
    assert refused.value.code == "is_folder"
