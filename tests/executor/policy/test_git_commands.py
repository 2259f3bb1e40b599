"""The class of each git command: what it can do at the most."""

import pytest

from executor.policy.git_commands import GitEffect, git_effect

READ = """
status|status --short --branch|status --porcelain|log|log --oneline -10|log -p -- x
log --all --graph|log --format=%H|log --since=yesterday|diff|diff --cached|diff --stat HEAD~1
diff -U3|diff --word-diff|show|show HEAD:x|show --name-only HEAD|blame x|blame -L 1,5 x
shortlog -s -n|describe --tags|rev-parse HEAD|rev-parse --show-toplevel|rev-list --count HEAD
ls-files|ls-files -z|ls-tree -r HEAD|cat-file -p HEAD|grep -n x|merge-base a b|name-rev HEAD
count-objects -v|cherry main|range-diff a b|show-ref|for-each-ref|check-ignore x|version|--version
branch|branch -a|branch -vv|branch --show-current|tag|tag -l|remote|remote -v
stash list|stash show|worktree list|notes list|reflog|reflog show
"""
WRITE = """
add .|commit -m x|merge x|mv a b|tag v1|branch new|init|stash|stash pop|stash push|apply x
cherry-pick x|revert x|notes add|bisect start|config user.name x|submodule add x|submodule status
log --output=x|diff --ext-diff|show --textconv HEAD|grep -O x|help log|var -l|unknown
blame --contents=x y
""".replace("stash|", "stash push -m x|")
NETWORK = (
    "fetch|pull|push|push --force|clone x|ls-remote x|remote add x y|remote update|send-email x"
)
DESTRUCTIVE = """
reset|reset --hard|clean -fd|checkout x|checkout -- x|restore x|switch x|rebase main|gc|prune|rm x
branch -D x|stash drop|stash clear|commit --amend|reflog expire|reflog delete x|worktree remove x
tag -f x|filter-branch x|update-ref x y|read-tree x|-c core.pager=x log|-C /tmp log|--git-dir=x log
--exec-path=x log|-p log
"""


def _rows(text: str, effect: GitEffect) -> list[tuple[str, GitEffect]]:
    return [(one, effect) for line in text.strip().splitlines() for one in line.split("|")]


ROWS = [
    *_rows(READ, "read"),
    *_rows(WRITE, "write"),
    *_rows(NETWORK, "network"),
    *_rows(DESTRUCTIVE, "destructive"),
]


@pytest.mark.parametrize(("command", "effect"), ROWS)
def test_a_git_command_is_classed_by_the_most_it_can_do(command: str, effect: GitEffect) -> None:
    assert git_effect(command.split()) == effect


def test_git_without_arguments_is_not_known_to_look() -> None:
    assert git_effect(()) == "destructive"
