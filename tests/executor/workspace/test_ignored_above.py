"""A project that is a part of a repository: the rules of the folders above it hold in it too."""

import shutil
import subprocess
from pathlib import Path

import pytest

from executor.workspace import Workspace
from executor.workspace.ignored_above import NOTHING_ABOVE, rules_from_above
from executor.workspace.walk import Pruning
from tests.executor.snapshots.world import World

FILES: tuple[str, ...] = (
    *("app.py", "x.log", "keep.log", "node_modules/m/index.js", "out/a", "deep/out/b", "mine"),
)


def _made(top: Path, rules: dict[str, str]) -> Path:
    """A repository with `packages/app` in it; the files of that, and `rules` by their file."""
    subprocess.run(("git", "init", "-q"), cwd=top, check=True)
    project = top / "packages" / "app"
    for name in FILES:
        file = project / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    for name, text in rules.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text)
    return project


def _listed(project: Path) -> set[str]:
    workspace = Workspace(project)
    try:
        entries = workspace.walk(".", Pruning()).entries
    finally:
        workspace.close()
    return {"/".join(entry.path) for entry in entries if entry.kind == "file"}


def _as_git_has_it(project: Path) -> set[str]:
    given = "\0".join(FILES).encode()
    command = ("git", "check-ignore", "-z", "--stdin")
    told = subprocess.run(command, cwd=project, input=given, capture_output=True, check=False)
    return set(FILES) - set(told.stdout.decode().split("\0"))


@pytest.mark.parametrize(
    "rules",
    [
        {".gitignore": "node_modules/\n*.log\n"},
        {".gitignore": "*.log\n", "packages/.gitignore": "!keep.log\n"},
        {".gitignore": "/out\nnode_modules"},
        {".gitignore": "/packages/app/out\n"},
        {"packages/.gitignore": "/app/out\n"},
        {".gitignore": "packages/*/out/\n", ".git/info/exclude": "mine\n"},
        {".git/info/exclude": "*.log\n", ".gitignore": "!keep.log\n"},
        {".gitignore": "**/deep/**\n"},
        {".gitignore": "mine\n", "packages/app/.gitignore": "!mine\n"},
    ],
)
def test_what_the_repository_ignores_is_left_out_of_its_parts(
    rules: dict[str, str], tmp_path: Path
) -> None:
    project = _made(tmp_path, rules)
    (project / ".gitignore").touch()

    listed = _listed(project) - {".gitignore"}

    assert listed == _as_git_has_it(project)
    assert listed != set(FILES) or "packages/app/.gitignore" in rules


@pytest.mark.parametrize("rules", ["*\n", "packages/\n", "/packages/app\n", "packages/app/*\n"])
def test_a_project_that_the_repository_ignores_is_none_of_it(rules: str, tmp_path: Path) -> None:
    """A home that is a repository of settings ignores all: its projects are to be seen still."""
    project = _made(tmp_path, {".gitignore": rules})

    assert rules_from_above(project) == NOTHING_ABOVE
    assert _listed(project) == set(FILES)


def test_a_repository_of_its_own_obeys_its_own_rules_alone(tmp_path: Path) -> None:
    project = _made(tmp_path, {".gitignore": "*.log\n"})
    subprocess.run(("git", "init", "-q"), cwd=project, check=True)

    assert _listed(project) == set(FILES)


def test_what_the_repository_ignores_is_not_kept_for_undo_either(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    project = _made(tmp_path / "home", {".gitignore": "node_modules/\n"})

    def work() -> None:
        (project / "app.py").write_text("changed")
        (project / "node_modules/m/index.js").write_text("changed")

    changes = World(project, tmp_path / "state").command(work)

    assert [change.path for change in changes] == ["app.py"]


def test_a_repository_without_the_folder_of_excludes_is_one_all_the_same(tmp_path: Path) -> None:
    project = _made(tmp_path, {".gitignore": "*.log\n"})
    shutil.rmtree(tmp_path / ".git" / "info", ignore_errors=True)

    assert _listed(project) == _as_git_has_it(project) != set(FILES)
