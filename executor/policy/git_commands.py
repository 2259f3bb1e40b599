"""Class git's sub-commands by what they can do, option by option.

What is not known to be harmless is not: the classes only ever err towards asking.
"""

import re
from collections.abc import Sequence
from typing import Literal

GitEffect = Literal["read", "write", "network", "destructive"]

_LOOKING = frozenset({
    "--oneline", "--stat", "--shortstat", "--numstat", "--name-only", "--name-status", "--graph",
    "--all", "--decorate", "--no-decorate", "--abbrev-commit", "--no-merges", "--merges",
    "--first-parent", "--reverse", "--patch", "-p", "-u", "--no-patch", "-s", "--cached",
    "--staged", "--follow", "--short", "--branch", "--porcelain", "--ignored", "-z", "-b", "-q",
    "-w", "--ignore-all-space", "--ignore-space-change", "--minimal", "--summary", "--raw",
    "--dirstat", "--no-color", "--no-renames", "--no-ext-diff", "--no-textconv", "--long", "-v",
    "-vv", "--verbose", "--merged", "--no-merged", "--list", "-l", "-r", "-a", "-t", "-d",
    "--name", "--others", "--exclude-standard", "--modified", "--deleted", "--unmerged", "-n",
    "-i", "-e", "-F", "-E", "-c", "-L", "-M", "-C", "-S", "-G", "--show-current", "--verify",
    "--abbrev-ref", "--show-toplevel", "--is-inside-work-tree", "--git-dir", "--tags", "--always",
    "--dirty", "--count", "--full-name", "--line-number", "--files-with-matches", "--word-regexp",
    "--ignore-case", "--topo-order", "--date-order", "--left-right", "--cherry", "--word-diff",
})  # fmt: skip
_LOOKING_PREFIXES = (
    "--format=", "--pretty=", "--since=", "--until=", "--after=", "--before=", "--author=",
    "--committer=", "--grep=", "--max-count=", "--skip=", "--unified=", "--diff-filter=",
    "--date=", "--abbrev=", "--sort=", "--contains=", "--points-at=", "--stat=", "--decorate=",
    "--untracked-files=", "--porcelain=", "--word-diff=plain", "--find-renames=", "--color=never",
)  # fmt: skip

_JOINED = re.compile(r"-[sbnevqwzilEF]{2,3}")
"""Flags in one word. Where one of them takes the others as its value that is as harmless."""
_SOUGHT = frozenset({"log", "show", "diff"})
"""Sub-commands that look for the changes with a text, joined to `-S` or `-G`."""

# Not here on purpose: help, which opens what the configuration names, and var, which tells all of
# the configuration; submodule, which enters repositories whose configuration was not looked at.
_READ = frozenset({
    "status", "log", "diff", "show", "blame", "shortlog", "describe", "rev-parse", "rev-list",
    "ls-files", "ls-tree", "cat-file", "grep", "merge-base", "name-rev", "count-objects",
    "cherry", "range-diff", "whatchanged", "show-ref", "for-each-ref", "show-branch",
    "check-ignore", "version",
})  # fmt: skip
_LISTING = {
    "branch": frozenset({"--list", "-l", "-a", "-r", "-v", "-vv", "--show-current", "--all"}),
    "tag": frozenset({"--list", "-l", "-n"}),
    "remote": frozenset({"-v", "--verbose"}),
    "stash": frozenset({"list", "show"}),
    "worktree": frozenset({"list"}),
    "reflog": frozenset({"show"}),
    "notes": frozenset({"list", "show"}),
}
"""Sub-commands that only list when nothing but these words follows."""
_NETWORK = frozenset({"fetch", "pull", "push", "clone", "ls-remote", "remote", "send-email", "lfs"})
_DESTRUCTIVE = frozenset({
    "reset", "clean", "checkout", "restore", "rebase", "filter-branch", "gc", "prune",
    "update-ref", "replace", "filter-repo", "read-tree", "rm", "switch",
})  # fmt: skip

_DISCARDING = frozenset({
    "-f", "--force", "-D", "--hard", "drop", "clear", "expire", "delete", "--amend", "remove",
})  # fmt: skip

_FORCING = (
    *("-f", "--force", "--delete", "--mirror", "--prune", "--abort", "-d", "-M", "-C", "+", ":"),
)


def git_effect(arguments: Sequence[str]) -> GitEffect:
    """What `git ARGUMENTS...` can do at the most."""
    if not arguments or arguments[0].startswith("-"):
        return "read" if list(arguments) in (["--version"], ["--help"]) else "destructive"
    name, rest = arguments[0], arguments[1:]
    if (
        (rest or name != "stash")
        and name in _LISTING
        and all(word in _LISTING[name] for word in rest)
    ):
        return "read"
    if name in _READ and _only_looks(name, rest):
        return "read"
    if name == "reflog" and len(rest) == 1 and rest[0][:1] == "-" and rest[0][1:].isdigit():
        return "read"
    if name in _NETWORK:
        return "network"
    if name in _DESTRUCTIVE or any(word in _DISCARDING for word in rest):
        return "destructive"
    return "write"


def forces(arguments: Sequence[str]) -> bool:
    """Whether a word behind the sub-command overrules what git or the other side would keep."""
    return any(word.startswith(_FORCING) for word in arguments[1:])


def _only_looks(name: str, words: Sequence[str]) -> bool:
    """No word is an option that is not known to be harmless; what follows `--` are paths."""
    for word in words:
        if word == "--":
            return True
        if not word.startswith("-") or word == "-":
            continue
        if word in _LOOKING or word.startswith(_LOOKING_PREFIXES) or _JOINED.fullmatch(word):
            continue
        if name in _SOUGHT and word.startswith(("-S", "-G")):
            continue
        flag, digits = word[:2], word[2:]
        if word[1:].isdigit() or (flag in ("-n", "-U", "-L", "-M", "-C") and _number(digits)):
            continue
        return False
    return True


def _number(text: str) -> bool:
    return all(char.isdigit() or char in ",:%" for char in text)
