"""How a listing ends before it is whole, and what it does about what vanishes meanwhile."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from executor.workspace import Workspace
from executor.workspace.ignore import NOTHING_IGNORED
from executor.workspace.resolved import FOLDER_FLAGS
from executor.workspace.walk import Listing, Pruning, walk


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    (tmp_path / "a/b").mkdir(parents=True)
    for name in ("a/b/f", "a/g", "h", ".gitignore"):
        (tmp_path / name).write_text("h\n")
    workspace = Workspace(tmp_path)
    yield workspace
    workspace.close()


def _names(listing: Listing) -> list[str]:
    return ["/".join(entry.path) for entry in listing.entries]


def test_the_projects_own_rules_hold_unless_others_are_given(workspace: Workspace) -> None:
    assert _names(workspace.walk(".", Pruning())) == [".gitignore", "a", "a/b", "a/b/f", "a/g"]

    handle = os.open(workspace.root, FOLDER_FLAGS)
    listing = walk(handle, handle, (), Pruning(), NOTHING_IGNORED)
    os.close(handle)

    assert _names(listing) == [".gitignore", "a", "a/b", "a/b/f", "a/g", "h"]


def test_a_listing_says_why_it_is_cut(workspace: Workspace) -> None:
    assert workspace.walk(".", Pruning(seconds=-1)) == Listing(
        (), (), "listing took longer than -1 s"
    )
    assert workspace.walk(".", Pruning(cancelled=lambda: True)).cut == "cancelled"
    cut = workspace.walk(".", Pruning(entries_max=4))
    assert (_names(cut), cut.cut) == ([".gitignore", "a", "a/b", "a/b/f"], "more than 4 entries")
    assert workspace.walk(".", Pruning(depth=1)).cut == ""


def test_what_vanishes_while_it_is_listed_is_left_out(workspace: Workspace) -> None:
    asked: list[int] = []

    def vanish() -> bool:
        if not asked:
            (workspace.root / "a/b/f").unlink()
            (workspace.root / "a/b").rmdir()
            (workspace.root / "a/g").unlink()
            (workspace.root / "a").rmdir()
        asked.append(1)
        return False

    assert _names(workspace.walk(".", Pruning(cancelled=vanish))) == [".gitignore"]
