"""`Git`: real repositories, hostile ones among them."""

import os
import subprocess
from pathlib import Path

import pytest

from executor.process.processes import Processes
from tests.executor.tools.world import World

IDENTITY = ("-c", "user.name=Test", "-c", "user.email=test@example.invalid")


def _git(root: Path, *args: str) -> None:
    subprocess.run(["git", *IDENTITY, *args], cwd=root, check=True, capture_output=True)


@pytest.fixture
def repository(world: World) -> Path:
    _git(world.root, "init", "-q", "-b", "main")
    _git(world.root, "config", "user.name", "Test")
    _git(world.root, "config", "user.email", "test@example.invalid")
    world.file("a.txt", "one\n")
    _git(world.root, "add", ".")
    _git(world.root, "commit", "-qm", "first")
    world.file("a.txt", "two\n")
    return world.root


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (("status", "--short"), " M a.txt\n[exit code 0"),
        (("log", "--format=%s"), "first\n[exit code 0"),
        (("log", "--oneline", "-1", "--", "a.txt"), " first\n[exit code 0"),
        (("diff",), "-one\n+two\n[exit code 0"),
        (("diff", "--stat"), "1 file changed"),
        (("show", "--stat", "HEAD"), "first"),
        (("show", "HEAD:a.txt"), "one\n[exit code 0"),
        (("blame", "a.txt"), "two\n[exit code 0"),
        (("branch", "--show-current"), "main\n[exit code 0"),
        (("rev-parse", "--show-toplevel"), "/project\n[exit code 0"),
        (("ls-files",), "a.txt\n[exit code 0"),
        (("grep", "two"), "a.txt:two\n[exit code 0"),
        (("add", "a.txt"), "[exit code 0"),
        (("commit", "-am", "second"), "second"),
        (("commit", "-a"), "empty commit message"),
        (("stash",), "Saved working directory"),
        (("stash", "list"), "[exit code 0"),
        (("checkout", "-b", "new"), "Switched to a new branch"),
        (("reflog",), "commit (initial): first\n[exit code 0"),
        (("frobnicate",), "not a git command"),
        (("diff", "--exit-code", "--quiet"), "[exit code 1"),
    ],
)
async def test_a_command_says_what_git_says(
    world: World, args: tuple[str, ...], expected: str
) -> None:
    outcome = await world.run("Git", args=list(args))

    assert expected in outcome.text
    assert outcome.status == "success"


async def test_outside_a_repository_git_says_so(world: World) -> None:
    outcome = await world.run("Git", args=["status"])

    assert "not a git repository" in outcome.text
    assert outcome.metadata.exit_code == 128


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize(
    "args",
    [
        ("-c", "core.pager=evil", "log"),
        ("-C", "/", "status"),
        ("--git-dir=/tmp/x", "status"),
        ("--work-tree=/", "status"),
        ("--exec-path=/tmp", "status"),
        ("--config-env=core.pager=X", "log"),
        ("--paginate", "log"),
        ("-p", "log"),
        ("diff", "--ext-diff"),
        ("log", "-p", "--textconv"),
        ("show", "--ext-d"),
        ("./evil",),
        ("difftool", "--no-prompt"),
        ("mergetool",),
        ("gui",),
        ("",),
        ("status", "a\0b"),
    ],
)
async def test_options_that_redirect_or_run_something_are_refused(
    world: World, args: tuple[str, ...]
) -> None:
    assert (await world.failure("Git", args=list(args)))[0] == "invalid_parameters"


async def test_a_project_that_is_a_bare_repository_is_not_used_as_one(world: World) -> None:
    _git(world.root, "init", "-q", "--bare", ".")

    assert "cannot use bare repository" in await world.text("Git", args=["log"])


async def test_a_work_tree_elsewhere_is_not_touched(world: World, repository: Path) -> None:
    (world.outside / "a.txt").write_text("theirs\n")
    _git(repository, "config", "core.worktree", str(world.outside))

    await world.run("Git", args=["checkout", "HEAD", "--", "a.txt"])

    assert (world.outside / "a.txt").read_text() == "theirs\n"
    assert (repository / "a.txt").read_text() == "one\n"


@pytest.mark.usefixtures("repository")
async def test_git_from_the_project_is_not_run(world: World) -> None:
    marker = world.outside / "ran"
    world.file("bin/git", f"#!/bin/sh\ntouch {marker}\n").chmod(0o755)
    (world.outside / "git").symlink_to(world.root / "bin/git")
    path = f"{world.root}/bin:{world.outside}:{os.environ['PATH']}"
    world.processes = Processes("journal-1", {"PATH": path})

    assert "first" in await world.text("Git", args=["log", "--format=%s"])
    assert not marker.exists()


@pytest.mark.usefixtures("repository")
async def test_a_program_that_can_not_be_overridden_is_named_and_nothing_runs(world: World) -> None:
    _git(world.root, "config", "remote.origin.uploadpack", "evil")

    code, message = await world.failure("Git", args=["status"])

    assert code == "invalid_parameters"
    assert "remote.origin.uploadpack" in message
    assert ".git/config" in message
