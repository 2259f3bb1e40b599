"""What becomes of changes that a process left half-way: by what stands there, nothing guessed."""

from pathlib import Path

import pytest

from executor.workspace.files import digest_of
from executor.workspace.recovery import Done, Partly, Settled, Unchanged, settle
from executor.workspace.staging import Staged
from tests.requirements import covers

OLD, NEW, THEIRS = b"old\n", b"new\n", b"theirs\n"


def _staged(path: str, old: bytes | None, new: bytes | None, depth: int = 0) -> Staged:
    temporary = "" if new is None else f".codegen-{path.replace('/', '-')}.tmp"
    before, after = (None if one is None else digest_of(one) for one in (old, new))
    return Staged(path, depth, temporary, before, after)


def _write(root: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)


def _files(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


@covers("R-FILE-13")
@pytest.mark.parametrize("decided", [True, False])
@pytest.mark.parametrize(
    ("there", "staged", "settled", "left"),
    [
        ({"f": OLD, ".codegen-f.tmp": NEW}, _staged("f", OLD, NEW), Done(), {"f": NEW}),
        ({"f": NEW}, _staged("f", OLD, NEW), Done(), {"f": NEW}),
        ({"f": OLD, ".codegen-f.tmp": b"ne"}, _staged("f", OLD, NEW), Unchanged(), {"f": OLD}),
        ({"f": OLD}, _staged("f", OLD, NEW), Unchanged(), {"f": OLD}),
        ({"f": THEIRS, ".codegen-f.tmp": NEW}, _staged("f", OLD, NEW), Unchanged(), {"f": THEIRS}),
        ({".codegen-f.tmp": NEW}, _staged("f", OLD, NEW), Unchanged(), {}),
        ({".codegen-f.tmp": NEW}, _staged("f", None, NEW), Done(), {"f": NEW}),
        ({"f": THEIRS, ".codegen-f.tmp": NEW}, _staged("f", None, NEW), Unchanged(), {"f": THEIRS}),
        ({".codegen-a-b-f.tmp": NEW}, _staged("a/b/f", None, NEW), Done(), {"a/b/f": NEW}),
        (
            {"a/.codegen-a-b-f.tmp": NEW, "a/b/g": OLD},
            _staged("a/b/f", None, NEW, depth=1),
            Done(),
            {"a/b/f": NEW, "a/b/g": OLD},
        ),
        ({"a": THEIRS, ".codegen-a-f.tmp": NEW}, _staged("a/f", None, NEW), Unchanged(), None),
        ({}, _staged("gone/f", OLD, NEW, depth=1), Unchanged(), {}),
        ({"f": OLD}, _staged("f", OLD, None), Done(), {}),
        ({}, _staged("f", OLD, None), Done(), {}),
        ({"f": THEIRS}, _staged("f", OLD, None), Unchanged(), {"f": THEIRS}),
        ({}, _staged("gone/f", OLD, None, depth=1), Done(), {}),
        ({"d/e/f": OLD}, _staged("d/e/f", OLD, None, depth=2), Done(), {}),
        ({"d/e/f": OLD, "d/g": NEW}, _staged("d/e/f", OLD, None, depth=2), Done(), {"d/g": NEW}),
    ],
)
def test_one_change_is_finished_only_over_the_bytes_that_it_was_made_for(
    tmp_path: Path,
    there: dict[str, bytes],
    staged: Staged,
    settled: Settled,
    left: dict[str, bytes] | None,
    *,
    decided: bool,
) -> None:
    _write(tmp_path, there)
    bare = {name: content for name, content in there.items() if ".codegen" not in name}

    assert settle(tmp_path, (staged,), decided=decided) == (settled if decided else Unchanged())

    if left is not None:
        assert _files(tmp_path) == (left if decided else bare)
    folders = [path for path in tmp_path.rglob("*") if path.is_dir()]
    assert all(any(folder.iterdir()) for folder in folders), "an empty folder is left"


def test_folders_above_one_that_went_already_are_taken_away_too(tmp_path: Path) -> None:
    (tmp_path / "old" / "part").mkdir(parents=True)
    _write(tmp_path, {"kept/f": OLD})
    staged = [_staged("old/part/deep/f", OLD, None, depth=3), _staged("kept/g/f", OLD, None, 2)]

    assert settle(tmp_path, staged, decided=True) == Done()

    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert _files(tmp_path) == {"kept/f": OLD}


@covers("R-FILE-13")
def test_of_a_set_that_somebody_changed_meanwhile_it_is_told_which_file_is_what(
    tmp_path: Path,
) -> None:
    _write(tmp_path, {"a": NEW, "b": THEIRS, ".codegen-b.tmp": NEW, "c": OLD})
    _write(tmp_path, {".codegen-c.tmp": NEW})
    staged = [_staged(name, OLD, NEW) for name in "abc"]

    settled = settle(tmp_path, staged, decided=True)

    assert settled == Partly(done=("a", "c"), left=("b",))
    assert _files(tmp_path) == {"a": NEW, "b": THEIRS, "c": NEW}


def test_a_set_of_which_nothing_is_made_yet_is_left_where_somebody_changed_a_file(
    tmp_path: Path,
) -> None:
    _write(tmp_path, {"a": OLD, ".codegen-a.tmp": NEW, "b": THEIRS, ".codegen-b.tmp": NEW})

    settled = settle(tmp_path, [_staged("a", OLD, NEW), _staged("b", OLD, NEW)], decided=True)

    assert settled == Unchanged()
    assert _files(tmp_path) == {"a": OLD, "b": THEIRS}


@covers("R-POLICY-1")
def test_a_folder_that_became_a_link_leads_nothing_out_of_the_project(tmp_path: Path) -> None:
    _write(tmp_path, {"out/f": OLD, "out/.codegen-in-f.tmp": NEW})
    project = tmp_path / "project"
    project.mkdir()
    (project / "in").symlink_to(tmp_path / "out")

    settled = settle(project, [_staged("in/f", OLD, NEW, depth=1)], decided=True)

    assert settled == Unchanged()
    assert _files(tmp_path / "out") == {"f": OLD, ".codegen-in-f.tmp": NEW}


def test_a_file_that_became_a_link_to_elsewhere_is_left_to_whoever_made_it_one(
    tmp_path: Path,
) -> None:
    _write(tmp_path, {"g": OLD, "in/.codegen-in-f.tmp": NEW})
    (tmp_path / "in/f").symlink_to("../g")

    settled = settle(tmp_path, [_staged("in/f", OLD, NEW, depth=1)], decided=True)

    assert settled == Unchanged()
    assert (tmp_path / "g").read_bytes() == OLD
