"""Which git commands a call holds, where each would run, and which of them a rule names."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from executor.policy.call import PlannedCall
from executor.policy.git_within import rule_naming
from executor.policy.policy import Policy
from executor.process.git_foretelling import GitCommand
from tests.executor.policy.ground import build, built_in, policy
from tests.requirements import covers


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return build(tmp_path)


@pytest.fixture
def plain(root: Path) -> Iterator[Policy]:
    with policy(root, mode="auto") as made:
        yield made


def _found(made: Policy, line: str) -> list[str]:
    """The commands that may lose something, each behind the folder that it runs in."""
    return [
        f"{one.folder}: {' '.join(one.args)}"
        for one in made.git_within(built_in("Shell", command=line))
        if one.may_lose
    ]


@covers("R-GIT-3")
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("make", []),
        ("git status", []),
        ("echo git reset --hard", []),
        ("git reset --hard && make", [".: reset --hard"]),
        ("/usr/bin/git reset --hard", [".: reset --hard"]),
        ("git -c a.b=c --no-pager reset --hard", [".: reset --hard"]),
        ("git --git-dir=.git --work-tree=src checkout .", ["src: checkout ."]),
        ("git -C src checkout -- app.py", ["src: checkout -- app.py"]),
        ("git -C nowhere checkout .", [".: checkout ."]),
        ("git -C ../outside checkout .", ["../outside: checkout ."]),
        ("git -C", []),
        ("git", []),
        ("cd src && git checkout -- .", ["src: checkout -- ."]),
        ("cd nowhere; git checkout -- .", [".: checkout -- ."]),
        ("cd; git checkout -- .", [".: checkout -- ."]),
        ("timeout 9 git clean -fd", [".: clean -fd"]),
        ("bash -c 'cd src && git clean -fd'", ["src: clean -fd"]),
        ("sudo git clean -fd", [".: clean -fd"]),
        ("sh -xc 'git clean -fd'", [".: clean -fd"]),
        ("ls | xargs git checkout --", [".: checkout -- $"]),
        ("A=1 git stash drop", [".: stash drop"]),
        ("x=$(git stash drop)", [".: stash drop"]),
        ("x=`git stash drop`", [".: stash drop"]),
        ("git checkout -- $FILE", [".: checkout -- $FILE"]),
        ("git branch -D $(git branch --merged)", [".: branch -D $"]),
        ("for b in a b; do git branch -D $b; done", [".: branch -D a", ".: branch -D b"]),
        ("while read b; do git branch -D $b; done", [".: branch -D $b"]),
        ("git reset --hard; git reset --hard", [".: reset --hard"]),
        ("cat > x <<'EOF'\ngit clean -fd\nEOF\n", []),
        ("cat > x <<EOF\ngit clean -fd\nEOF\n", []),
        ("cat > x <<EOF\n$(git clean -fd)\nEOF\n", [".: clean -fd"]),
        ("bash <<'EOF'\ngit clean -fd\nEOF\n", [".: clean -fd"]),
        ("cat <<'EOF'\ngit clean -fd\n", [".: clean -fd"]),
        ("cat <<<EOF; x=1\ngit clean -fd\nEOF", [".: clean -fd"]),
        (
            "git commit --amend -m \"$(cat <<'EOF'\ngit clean -fd\nEOF\n)\"",
            [".: commit --amend -m $"],
        ),
        ("cat <<'A' <<'B'\ngit clean -f\nA\ngit clean -f\nB\ngit clean -fdx", [".: clean -fdx"]),
    ],
)
def test_the_git_commands_of_a_line_are_found_with_their_folder(
    plain: Policy, line: str, expected: list[str]
) -> None:
    assert _found(plain, line) == expected


def test_a_line_of_any_length_is_read_in_bounds(plain: Policy) -> None:
    line = "x=1; git clean -f;" * 50_000

    assert len(plain.git_within(built_in("Shell", command=line))) == 1


def test_the_folder_that_a_call_is_told_counts_and_one_outside_is_left_to_the_decision(
    plain: Policy,
) -> None:
    inside = built_in("Shell", command="git reset --hard", workdir="src")
    outside = built_in("Shell", command="git reset --hard", workdir="/")

    assert plain.git_within(inside) == (GitCommand(("reset", "--hard"), "src"),)
    assert plain.git_within(outside) == ()


def test_only_shell_and_git_hold_git_commands(plain: Policy) -> None:
    own = PlannedCall("Git", "execute", {}, custom=True)

    assert plain.git_within(built_in("Git", args=("gc",))) == (GitCommand(("gc",)),)
    assert plain.git_within(built_in("Git", args=())) == (GitCommand(()),)
    assert plain.git_within(built_in("WriteFile", file_path="x", content="git")) == ()
    assert plain.git_within(own) == ()


@covers("R-GIT-3")
@pytest.mark.parametrize(
    ("rule", "command", "named"),
    [
        ("Git", "reset --hard", False),
        ("Shell", "reset --hard", False),
        ("Git(*)", "reset --hard", False),
        ("Shell(git *)", "reset --hard", False),
        ("Git(reset *)", "reset --hard", True),
        ("Shell(git reset *)", "reset --hard", True),
        ("Shell(git reset --hard)", "reset --hard", True),
        ("Git(reset --hard)", "reset --hard HEAD~1", False),
        ("Git(re* *)", "reset --hard", False),
        ("Git(checkout -- src/*)", "checkout -- src/a", True),
        ("Git(checkout -- src/*)", "checkout -- src/$x", False),
        ("Git(checkout -- *)", "checkout -- src/$x", True),
        ("Shell(git checkout -- *)", "checkout -- src/$x", True),
        ("Git(commit *)", "commit --amend", False),
        ("Git(commit --amend *)", "commit --amend -m x", True),
        ("Git(branch *)", "branch -D x", False),
        ("Git(branch -D *)", "branch -D x", True),
        ("Git(push *)", "push --force", False),
        ("Git(push origin *)", "push origin +main", False),
        ("Git(push --force *)", "push --force", True),
        ("Write(reset)", "reset --hard", False),
    ],
)
def test_a_rule_names_a_loss_only_where_it_speaks_of_it(
    root: Path, rule: str, command: str, *, named: bool
) -> None:
    with policy(root, mode="auto", allow=(rule,)) as made:
        found = made.git_within(built_in("Git", args=tuple(command.split())))

    assert [one.is_named for one in found] == [named]


@pytest.mark.parametrize(
    ("command", "rule"),
    [
        ("reset --hard", "Git(reset *)"),
        ("stash drop 1", "Git(stash drop *)"),
        ("commit -m x --amend", "Git(commit -m x --amend *)"),
        ("branch -D x", "Git(branch -D *)"),
        ("branch -M a b", "Git(branch -M *)"),
        ("push origin +main", "Git(push origin +main *)"),
        ("push origin :main", "Git(push origin :main *)"),
        ("merge --abort", "Git(merge --abort *)"),
        ("worktree remove --force x", "Git(worktree remove *)"),
        ("tag -d x", "Git(tag -d *)"),
        ("filter-branch", "Git(filter-branch *)"),
    ],
)
def test_the_rule_that_is_proposed_names_the_command(root: Path, command: str, rule: str) -> None:
    args = tuple(command.split())

    assert rule_naming(args) == rule
    with policy(root, mode="auto", allow=(rule,)) as made:
        assert made.git_within(built_in("Git", args=args)) == (GitCommand(args, is_named=True),)
