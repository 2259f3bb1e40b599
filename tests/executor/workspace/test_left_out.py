"""Paths that are left out: of listings, of searches, with all that lies beneath them."""

from pathlib import Path

import pytest

from executor.workspace import Workspace
from executor.workspace.left_out import NOTHING_LEFT_OUT, LeftOut
from executor.workspace.search import Hit, Request, search
from executor.workspace.walk import Pruning


@pytest.mark.parametrize(
    ("pattern", "path", "covered"),
    [
        ("private/**", "private/a", True),
        ("private/**", "private", False),
        ("private", "a/private/b", True),
        ("*.secret", "a/b.secret", True),
        ("a/*.txt", "a/b/c.txt", False),
        ("./a/**/c?", "a/b/cd", True),
        ("a/b", "a/b/c/d", True),
    ],
)
def test_a_path_is_left_out_with_what_lies_beneath(
    pattern: str, path: str, *, covered: bool
) -> None:
    assert LeftOut((pattern,)).covers(path.split("/")) is covered
    assert not NOTHING_LEFT_OUT.covers(path.split("/"))


def test_neither_a_listing_nor_a_search_tells_of_what_is_left_out(tmp_path: Path) -> None:
    for name in ("private/a.txt", "open/a.txt", "open/b.secret"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("word\n")
    left_out = LeftOut(("private/**", "*.secret"))
    workspace = Workspace(tmp_path, left_out)
    try:
        listed = ["/".join(one.path) for one in workspace.walk(".", Pruning()).entries]
        request = Request("word", ".", None, False, 0, "files", 10, 3.0, left_out)
        found = [hit.path for hit in search(workspace, request) if isinstance(hit, Hit)]
    finally:
        workspace.close()
    assert listed == ["open", "open/a.txt", "private"]
    assert found == ["open/a.txt"]
