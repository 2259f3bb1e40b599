"""A plain `status` and `diff` are taken apart and told; real repositories in every state."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from executor.process.git_status import Changed, Status, diff_summary, status_of
from tests.executor.tools.world import World

CLEAN = "nothing to commit, the working tree is clean\n[exit code 0]"

UNSTAGED = "not staged (1):\n  {}\n[exit code 0]"
CONFLICT = "conflicts (1):\n  both modified  a.txt"


def _git(root: Path, *args: str, check: bool = True) -> None:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.invalid")
    subprocess.run(["git", *identity, *args], cwd=root, check=check, capture_output=True)


@pytest.fixture
def repository(world: World) -> Path:
    _git(world.root, "init", "-q", "-b", "main")
    for name in ("a.txt", "b.txt", "c.txt"):
        world.file(name, f"{name}\n" * 5)
    _git(world.root, "add", ".")
    _git(world.root, "commit", "-qm", "first")
    return world.root


def _conflict(root: Path) -> None:
    _git(root, "switch", "-qc", "side")
    (root / "a.txt").write_text("side\n")
    _git(root, "commit", "-qam", "side")
    _git(root, "switch", "-q", "main")
    (root / "a.txt").write_text("main\n")
    _git(root, "commit", "-qam", "main")
    _git(root, "merge", "side", check=False)


def _rebasing(root: Path) -> None:
    _conflict(root)
    _git(root, "merge", "--abort")
    _git(root, "rebase", "side", check=False)


def _ahead(root: Path) -> None:
    _git(root, "config", "remote.origin.url", "/nowhere")
    _git(root, "config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*")
    _git(root, "config", "branch.main.remote", "origin")
    _git(root, "config", "branch.main.merge", "refs/heads/main")
    _git(root, "update-ref", "refs/remotes/origin/main", "HEAD")
    _git(root, "commit", "-q", "--allow-empty", "-m", "second")


def _level(root: Path) -> None:
    _ahead(root)
    _git(root, "update-ref", "refs/remotes/origin/main", "HEAD")


def _written(**contents: str) -> Callable[[Path], None]:
    def write(root: Path) -> None:
        for name, content in contents.items():
            (root / name.replace("_", ".")).write_text(content)

    return write


def _renamed(root: Path) -> None:
    _git(root, "mv", "a.txt", "moved to.txt")


def _odd_names(root: Path) -> None:
    for name in ("new\nline", "sp ace", "\u00e9", "tab\t", "-dash", "\u202eevil"):
        (root / name).write_text("x\n")


def _staged_and_changed(root: Path) -> None:
    _written(a_txt="staged\n")(root)
    _git(root, "add", "a.txt")
    _written(a_txt="changed\n")(root)


def _deleted(root: Path) -> None:
    (root / "a.txt").unlink()
    _git(root, "rm", "-q", "b.txt")


def _detached(root: Path) -> None:
    _git(root, "checkout", "-q", "--detach")


def _other_type(root: Path) -> None:
    (root / "a.txt").unlink()
    (root / "a.txt").symlink_to("b.txt")


def _executable(root: Path) -> None:
    (root / "a.txt").chmod(0o755)


def _nothing(_root: Path) -> None:
    """The clean state."""


STATES: list[tuple[Callable[[Path], None], str]] = [
    (_nothing, f"on branch main\n{CLEAN}"),
    (_written(a_txt="x\n"), "on branch main\nnot staged (1):\n  modified  a.txt\n[exit code 0]"),
    (_written(new="x\n"), "on branch main\nuntracked (1):\n  new\n[exit code 0]"),
    (
        _staged_and_changed,
        "on branch main\nstaged (1):\n  modified  a.txt\n" + UNSTAGED.format("modified  a.txt"),
    ),
    (
        _deleted,
        "on branch main\nstaged (1):\n  deleted  b.txt\n" + UNSTAGED.format("deleted  a.txt"),
    ),
    (_renamed, "on branch main\nstaged (1):\n  renamed  a.txt -> moved to.txt\n[exit code 0]"),
    (_other_type, "on branch main\nnot staged (1):\n  type changed  a.txt\n[exit code 0]"),
    (_executable, "on branch main\nnot staged (1):\n  modified  a.txt\n[exit code 0]"),
    (
        _conflict,
        f"on branch main\na merge is under way\n{CONFLICT}\n[exit code 0]",
    ),
    (_ahead, f"on branch main, 1 ahead of origin/main\n{CLEAN}"),
    (_level, f"on branch main, level with origin/main\n{CLEAN}"),
]


@pytest.mark.parametrize(("change", "expected"), STATES)
async def test_a_status_is_told_by_what_is_to_be_done(
    world: World, repository: Path, change: Callable[[Path], None], expected: str
) -> None:
    change(repository)

    outcome = await world.run("Git", args=["status"])

    assert outcome.text == expected
    assert outcome.metadata.exit_code == 0


async def test_a_rebase_under_way_is_told(world: World, repository: Path) -> None:
    _rebasing(repository)

    text = await world.text("Git", args=["status"])

    assert text.startswith("HEAD detached at ")
    assert "\na rebase is under way\nconflicts (1):\n  both modified  a.txt\n" in text


async def test_a_detached_head_is_told(world: World, repository: Path) -> None:
    _detached(repository)

    text = await world.text("Git", args=["status"])

    assert text.startswith("HEAD detached at ")
    assert text.endswith(f"\n{CLEAN}")


async def test_before_the_first_commit_that_is_told(world: World) -> None:
    _git(world.root, "init", "-q", "-b", "main")
    world.file("a", "x")

    assert await world.text("Git", args=["status"]) == (
        "on branch main, no commit yet\nuntracked (1):\n  a\n[exit code 0]"
    )


async def test_odd_names_stay_one_line_each(world: World, repository: Path) -> None:
    _odd_names(repository)

    rows = (await world.text("Git", args=["status"])).splitlines()

    assert rows[1] == "untracked (6):"
    assert len(rows) == 9
    assert min(row.strip() for row in rows[2:-1]) == "-dash"


async def test_a_status_of_paths_is_of_these_alone(world: World, repository: Path) -> None:
    _written(a_txt="x\n", b_txt="x\n")(repository)

    assert await world.text("Git", args=["status", "--", "b.txt"]) == (
        "on branch main\nnot staged (1):\n  modified  b.txt\n[exit code 0]"
    )


async def test_a_diff_begins_with_its_files(world: World, repository: Path) -> None:
    _written(a_txt="x\n")(repository)
    (repository / "b.txt").write_bytes(b"\0\1")

    text = await world.text("Git", args=["diff"])

    assert text.startswith("2 files, +1 -5\na.txt  +1 -5\nb.txt  binary\n\ndiff --git a/a.txt")
    assert (await world.text("Git", args=["diff", "--cached"])) == "[exit code 0]"
    assert (await world.text("Git", args=["diff", "--", "a.txt"])).startswith("1 file, +1 -5\n")
    assert (await world.text("Git", args=["diff", "--name-only"])).startswith("a.txt\n")


async def test_a_diff_names_what_was_renamed(world: World, repository: Path) -> None:
    _renamed(repository)

    text = await world.text("Git", args=["diff", "--staged"])

    assert text.startswith("1 file, +0 -0\na.txt -> moved to.txt  +0 -0\n\ndiff --git")


def test_an_unfinished_record_is_left_out() -> None:
    output = b"# branch.oid abc\0# branch.head main\0? whole\0? hal"

    assert status_of(output) == Status(branch="main", commit="abc", untracked=("whole",))
    assert diff_summary(b"1\t2\twhole\x003\t4\tha") == "1 file, +1 -2\nwhole  +1 -2"


def test_states_beside_each_other_are_kept_apart() -> None:
    one = b"1 MD N... 100644 100644 000000 aa bb f n\0"
    two = b"2 R. N... 100644 100644 100644 aa bb R100 to\0from\0"
    three = b"u AA N... 100644 100644 100644 100644 a b c f\0"

    assert status_of(one + two + three).changed == (
        Changed("f n", "modified", "deleted"),
        Changed("to", "renamed", came_from="from"),
        Changed("f", conflict="both added"),
    )


@pytest.mark.usefixtures("repository")
async def test_a_commit_is_the_users_with_the_trailer_of_the_settings(
    world: World, repository: Path
) -> None:
    _git(repository, "config", "user.name", "Ada")
    _git(repository, "config", "user.email", "ada@example.invalid")
    world.commit_trailer = "Assisted-by: codegen"
    for number, extra in enumerate(([], ["-m", "Body.\n\nAssisted-by: codegen"])):
        world.file("a.txt", f"{number}\n")
        await world.run("Git", args=["commit", "-am", "Change", *extra])

    log = await world.text("Git", args=["log", "-2", "--format=%an <%ae>%n%B"])

    one = "Ada <ada@example.invalid>\nChange\n\n"
    assert log == (
        f"{one}Body.\n\nAssisted-by: codegen\n\n{one}Assisted-by: codegen\n\n[exit code 0]"
    )


async def test_a_commit_says_which_hooks_were_not_run(world: World, repository: Path) -> None:
    hook = repository / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    _git(repository, "config", "user.name", "Ada")
    _git(repository, "config", "user.email", "ada@example.invalid")
    world.file("a.txt", "x\n")

    text = await world.text("Git", args=["commit", "-am", "Change"])

    assert text.endswith("[exit code 0]\n[hooks of the repository were not run: pre-commit]")


async def test_of_a_submodule_it_is_said_that_changes_inside_are_not_seen(
    world: World, repository: Path
) -> None:
    """Git would have to enter it, and obey a configuration that was not looked at."""
    local = ("-c", "protocol.file.allow=always")
    _git(repository, *local, "submodule", "add", "-q", str(repository), "lib")
    _git(repository, "commit", "-qm", "a submodule")
    (repository / "lib" / "a.txt").write_text("changed\n")

    told = await world.text("Git", args=["status"])

    assert told == (
        "on branch main\nnothing to commit, the working tree is clean\n"
        "of submodules only other commits are shown, not what is changed inside them\n"
        "[exit code 0]"
    )


async def test_the_progress_of_a_rebase_is_left_out(world: World, repository: Path) -> None:
    _git(repository, "switch", "-qc", "side", "HEAD")
    (repository / "b.txt").write_text("side\n")
    _git(repository, "commit", "-qam", "side")
    _git(repository, "switch", "-q", "main")
    (repository / "a.txt").write_text("main\n")
    _git(repository, "commit", "-qam", "main")
    for name, value in (("user.name", "Test"), ("user.email", "test@example.invalid")):
        _git(repository, "config", name, value)

    told = await world.text("Git", args=["rebase", "side"])

    assert told == "Successfully rebased and updated refs/heads/main.\n[exit code 0]"
