"""What `Git` foretells: the work that a command would throw away, before anybody says yes."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from executor.process.git_foretelling import COMMANDS_MAX, GitCommand, Losses, foretold
from executor.process.git_losses import doubts
from tests.executor.tools.world import World
from tests.requirements import covers

CHANGED = ["modified  a.txt", "modified  b.txt"]


def _git(root: Path, *args: str) -> str:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.invalid")
    ended = subprocess.run(
        ["git", *identity, *args], cwd=root, check=True, capture_output=True, text=True
    )
    return ended.stdout.strip()


async def _losses(world: World, *commands: str) -> Losses:
    asked = [GitCommand(tuple(command.split())) for command in commands]
    return await foretold(asked, world.processes, world.workspace, "t1")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three commits, a side branch, a stash, a remote that went on, and work in every state."""
    root = tmp_path_factory.mktemp("template")
    _git(root, "init", "-q", "-b", "main")
    for name in ("first", "second", "third"):
        for file in ("a.txt", "b.txt"):
            (root / file).write_text(f"{name}\n")
        (root / ".gitignore").write_text("*.log\n")
        _git(root, "add", ".")
        _git(root, "commit", "-qm", name)
    _git(root, "branch", "old", "HEAD~1")
    _git(root, "switch", "-qc", "side")
    (root / "side.txt").write_text("side\n")
    _git(root, "add", ".")
    _git(root, "commit", "-qm", "only on side")
    _git(root, "switch", "-q", "main")
    theirs = _git(root, "commit-tree", "-p", "HEAD", "-m", "theirs", "HEAD^{tree}")
    _git(root, "update-ref", "refs/remotes/origin/main", theirs)
    for key, value in (
        ("remote.origin.url", "/nowhere"),
        ("remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*"),
        ("branch.main.remote", "origin"),
        ("branch.main.merge", "refs/heads/main"),
        ("push.default", "upstream"),
    ):
        _git(root, "config", key, value)
    _git(root, "tag", "v1", "HEAD~1")
    (root / "a.txt").write_text("set aside\n")
    _git(root, "stash", "push", "-qm", "kept aside")
    (root / "b.txt").write_text("staged\n")
    _git(root, "add", "b.txt")
    (root / "a.txt").write_text("not staged\n")
    (root / "new.txt").write_text("new\n")
    (root / "run.log").write_text("log\n")
    (root / "folder").mkdir()
    (root / "folder/new.txt").write_text("new\n")
    return root


@pytest.fixture
def repository(world: World, template: Path) -> Path:
    shutil.copytree(template, world.root, dirs_exist_ok=True, symlinks=True)
    return world.root


LOST = "changes that are not committed are lost"
LEFT = "commits are left behind"
DELETED = "files that git does not keep are deleted"
SIDE = "commits that only side holds"
OVERWRITTEN = "origin/main is overwritten; commits it loses, as of the last fetch"
GONE = "origin/main is deleted there; its last commits, as of the last fetch"


@covers("R-GIT-1")
@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ("reset --hard", [LOST, *CHANGED]),
        ("reset --hard HEAD", [LOST, *CHANGED]),
        ("reset --hard HEAD~1", [LOST, *CHANGED, LEFT, "third"]),
        ("reset --har HEAD~2", [LOST, *CHANGED, LEFT, "third", "second"]),
        ("reset --merge", [LOST, *CHANGED]),
        ("reset --keep HEAD~1", [LOST, *CHANGED, LEFT, "third"]),
        ("reset --soft HEAD~1", [LEFT, "third"]),
        ("reset HEAD~1", [LEFT, "third"]),
        ("reset", []),
        ("reset HEAD b.txt", []),
        ("reset -- b.txt", []),
        ("checkout -- .", [LOST, *CHANGED]),
        ("checkout .", [LOST, *CHANGED]),
        ("checkout -- a.txt", [LOST, "modified  a.txt"]),
        ("checkout HEAD~1 -- b.txt", [LOST, "modified  b.txt"]),
        ("checkout HEAD a.txt", [LOST, "modified  a.txt"]),
        ("checkout -- new.txt", []),
        ("checkout -f old", [LOST, *CHANGED]),
        ("checkout old", []),
        ("checkout -b fresh", []),
        ("checkout -B side", [LEFT, "only on side"]),
        ("switch side", []),
        ("switch -f side", [LOST, *CHANGED]),
        ("switch --discard-changes old", [LOST, *CHANGED]),
        ("switch -C side main", [LEFT, "only on side"]),
        ("restore .", [LOST, *CHANGED]),
        ("restore a.txt", [LOST, "modified  a.txt"]),
        ("restore --staged b.txt", []),
        ("restore -S -W b.txt", [LOST, "modified  b.txt"]),
        ("restore --source HEAD~1 -- a.txt", [LOST, "modified  a.txt"]),
        ("clean -fd", [DELETED, "Would remove folder/", "Would remove new.txt"]),
        ("clean -f", [DELETED, "Would remove new.txt"]),
        ("clean -fdx", [DELETED, "folder/", "new.txt", "Would remove run.log"]),
        ("clean -fX", [DELETED, "Would remove run.log"]),
        ("clean -fd folder", [DELETED, "Would remove folder/"]),
        ("clean -n", []),
        ("stash drop", ["a stash is deleted", "kept aside", "it holds", "a.txt | 2 +-"]),
        ("stash drop 0", ["a stash is deleted", "kept aside", "it holds", "a.txt | 2 +-"]),
        ("stash drop stash@{0}", ["a stash is deleted", "stash@{0}", "it holds", "a.txt | 2"]),
        ("stash clear", ["stashes are deleted", "kept aside"]),
        ("stash", []),
        ("stash pop", []),
        ("branch -D side", [SIDE, "only on side"]),
        ("branch -d -f side", [SIDE, "only on side"]),
        ("branch -D old", []),
        ("branch -D old side", [SIDE, "only on side"]),
        ("branch -d side", []),
        ("branch -f side main", [LEFT, "only on side"]),
        ("branch -M old side", [LEFT, "only on side"]),
        ("branch fresh", []),
        ("push", []),
        ("push origin main", []),
        ("push --force origin main", [OVERWRITTEN, "theirs"]),
        ("push -f origin main", [OVERWRITTEN, "theirs"]),
        ("push --force-with-lease origin main", [OVERWRITTEN, "theirs"]),
        ("push origin +main", [OVERWRITTEN, "theirs"]),
        ("push origin +old:main", [OVERWRITTEN, "theirs", "third"]),
        ("push origin :main", [GONE, "theirs", "third"]),
        ("push origin --delete main", [GONE, "theirs"]),
        ("push -f", ["the other side is overwritten", "theirs"]),
        ("rebase HEAD~2", ["commits are rewritten", "third", "second"]),
        ("rebase --abort", [LOST, *CHANGED]),
        ("merge --abort", [LOST, *CHANGED]),
        ("commit --amend", ["the last commit is rewritten", "third"]),
        ("commit -m x", []),
        ("rm -f a.txt", [LOST, "modified  a.txt"]),
        ("rm a.txt", []),
        ("rm --cached -f a.txt", []),
        ("tag -d v1", ["tags are deleted", "v1"]),
        ("status", []),
        ("log", []),
    ],
)
async def test_what_a_command_would_lose_is_told(
    world: World, args: str, expected: list[str]
) -> None:
    told = (await _losses(world, args)).text

    at = 0
    for part in expected:
        at = told.find(part, at)
        assert at >= 0, (part, told)
        at += len(part)
    assert bool(told) == bool(expected)
    if "third" not in expected and "theirs" not in expected and "modified  a.txt" not in expected:
        assert "a.txt |" in told or "a.txt" not in told, told


async def test_telling_changes_nothing(world: World, repository: Path) -> None:
    def state() -> tuple[str, ...]:
        listings = ("status --porcelain --ignored", "for-each-ref", "stash list", "diff HEAD")
        return tuple(_git(repository, *listing.split()) for listing in listings)

    before = state()
    for args in ("reset --hard HEAD~2", "clean -fdx", "stash clear", "branch -D side", "push -f"):
        await _losses(world, args)

    assert state() == before


async def test_a_long_list_is_cut_and_counted(world: World, repository: Path) -> None:
    for number in range(50):
        (repository / f"n{number}").write_text("x")

    told = (await _losses(world, "clean -f")).text

    assert len(told.splitlines()) == 22
    assert told.endswith("... and 31 more")


async def test_outside_a_repository_nothing_is_lost(world: World) -> None:
    assert await _losses(world, "reset --hard") == Losses()


async def test_foretelling_runs_nothing_of_the_repository(world: World, repository: Path) -> None:
    marker = world.outside / "ran"
    evil = world.outside / "evil.sh"
    evil.write_text(f"#!/bin/sh\necho $0 $@ >> {marker}\ncat\n")
    evil.chmod(0o755)
    for key in ("core.fsmonitor", "filter.evil.clean", "diff.external", "diff.evil.textconv"):
        _git(repository, "config", key, str(evil))
    (repository / ".gitattributes").write_text("* filter=evil diff=evil\n")
    os.utime(repository / "a.txt", (1, 1))

    for args in ("reset --hard HEAD~1", "checkout .", "clean -fd", "stash drop", "branch -D side"):
        assert (await _losses(world, args)).text
        assert not marker.exists(), args


@pytest.mark.parametrize("args", [(), ("frob",), ("branch", "-D"), ("push", "-f", "--", "x")])
def test_odd_arguments_are_no_error(args: tuple[str, ...]) -> None:
    assert isinstance(doubts(args), tuple)


@covers("R-GIT-3")
@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize(
    ("args", "weighs"),
    [
        ("reset --soft HEAD~1", False),
        ("reset HEAD~1", False),
        ("reset --hard", True),
        ("rebase HEAD~2", True),
        ("rebase --continue", False),
        ("commit --amend", True),
        ("switch -C side main", True),
        ("checkout -B old side", False),
        ("branch -D side", True),
        ("branch -D old", False),
        ("update-ref -d refs/heads/side", True),
        ("update-ref refs/heads/side main", False),
        ("filter-branch --all", True),
        ("checkout-index -f a.txt", True),
        ("checkout-index a.txt", False),
        ("read-tree -u --reset HEAD", True),
        ("read-tree HEAD", False),
        ("worktree remove x", False),
        ("worktree remove --force", False),
        ("stash drop", True),
        ("stash drop 7", False),
        ("restore $FILE", True),
        ("branch -D $NAME", True),
        ("worktree remove -f $TREE", True),
        ("reset --hard \0", False),
    ],
)
async def test_only_work_kept_nowhere_else_and_commits_that_others_have_weigh(
    world: World, args: str, *, weighs: bool
) -> None:
    losses = await _losses(world, args)

    assert losses.command == (tuple(args.split(" ")) if weighs else ())


async def test_commits_that_nobody_else_has_may_be_rewritten_unasked(
    world: World, repository: Path
) -> None:
    _git(repository, "stash")
    _git(repository, "commit", "--allow-empty", "-qm", "my own")

    amended = await _losses(world, "commit --amend", "rebase HEAD~1")
    published = await _losses(world, "commit --amend", "rebase HEAD~2")

    assert ("my own" in amended.text, amended.command) == (True, ())
    assert published.command == ("rebase", "HEAD~2")


async def test_of_a_worktree_elsewhere_what_is_not_committed_is_told_of_a_stranger_nothing(
    world: World, repository: Path
) -> None:
    tree, stranger = world.outside / "tree", world.outside / "stranger"
    _git(repository, "worktree", "add", "-q", "--detach", str(tree))
    _git(world.outside, "init", "-q", str(stranger))
    for folder in (tree, stranger):
        (folder / "a.txt").write_text("changed\n")
        (folder / "private.txt").write_text("new\n")

    by_name = await _losses(world, "worktree remove --force tree")
    by_path = await _losses(world, f"worktree remove --force {tree}")
    other = await _losses(world, f"worktree remove --force {stranger}")

    assert by_name.text == by_path.text
    assert by_path.text.endswith(" lost:\n   M a.txt\n  ?? private.txt")
    assert (bool(by_path.command), other) == (True, Losses())


async def test_a_worktree_that_is_gone_has_nothing_to_lose(world: World, repository: Path) -> None:
    tree = world.outside / "tree"
    _git(repository, "worktree", "add", "-q", "--detach", str(tree))
    shutil.rmtree(tree)

    assert await _losses(world, f"worktree remove --force {tree}") == Losses()


async def test_what_can_not_be_told_weighs_but_outside_a_repository_nothing_does(
    world: World, repository: Path
) -> None:
    nowhere = GitCommand(("reset", "--hard"), "../elsewhere")

    unknown = await foretold([nowhere], world.processes, world.workspace, "t1")
    shutil.rmtree(repository / ".git")
    outside = await _losses(world, "branch -D $NAME")

    assert unknown.text.startswith("git reset --hard: what it loses can't be told: ")
    assert (unknown.command, outside) == (("reset", "--hard"), Losses())


async def test_of_very_many_commands_the_rest_is_taken_to_lose_something(
    world: World, repository: Path
) -> None:
    _git(repository, "stash", "clear")
    drops = [f"stash drop {number}" for number in range(COMMANDS_MAX + 2)]

    losses = await _losses(world, *drops)

    assert losses == Losses("and what 2 more git commands would lose", ("stash", "drop", "21"))


async def test_what_a_rule_names_is_told_and_does_not_weigh(world: World, repository: Path) -> None:
    del repository
    named = GitCommand(("reset", "--hard"), is_named=True)

    losses = await foretold([named], world.processes, world.workspace, "t1")

    assert (losses.text.startswith(LOST), losses.command) == (True, ())
