"""What git would ignore: the rules of .gitignore files and of .git/info/exclude.

Reads rule text and judges paths; the user's global excludes are not the project's and not read.
"""

import re
from collections.abc import Iterable, Sequence

import msgspec

from executor.workspace.patterns import BadPattern, PathPattern, path_pattern

RULES_MAX = 10_000
"""Rules of one file; the rest is not read."""

_STARS = re.compile(r"(?<![^/])\*{3,}(?![^/])")


class _Rule(msgspec.Struct, frozen=True):
    pattern: PathPattern
    is_negated: bool
    folders_only: bool


class IgnoreRules(msgspec.Struct, frozen=True):
    """The rules that hold in one folder: its own, then those of the folders above it."""

    depth: int = 0
    """How many components its paths have before the part that the rules see."""
    rules: tuple[_Rule, ...] = ()
    """The last that matches decides; so they are kept last first."""
    above: "IgnoreRules | None" = None
    prefix: tuple[str, ...] = ()
    """Where the root lies below a folder above it, whose rules these are."""

    def ignores(self, path: Sequence[str], *, is_folder: bool) -> bool:
        """Whether `path`, relative to the root, is ignored; its folders are taken to be not."""
        level: IgnoreRules | None = self
        while level is not None:
            below = (*level.prefix, *path)[level.depth :] if level.prefix else path[level.depth :]
            for rule in level.rules:
                if rule.folders_only and not is_folder:
                    continue
                if rule.pattern.matches(below):
                    return not rule.is_negated
            level = level.above
        return False

    def below(self, text: str, depth: int, prefix: tuple[str, ...] = ()) -> "IgnoreRules":
        """The rules in a folder `depth` components below the root that has `text` of its own.

        With `prefix` below a folder above the root, from which that leads to the root.
        """
        return IgnoreRules(depth, tuple(reversed(list(_parsed(text)))), self, prefix)


NOTHING_IGNORED = IgnoreRules()


def _parsed(text: str) -> Iterable[_Rule]:
    for line in text.removeprefix("\ufeff").splitlines()[:RULES_MAX]:
        rule = _rule(line)
        if rule is not None:
            yield rule


def _rule(line: str) -> _Rule | None:
    """One line of a .gitignore; None for blanks, comments and what git can't read either."""
    pattern = _without_trailing_blanks(line)
    is_negated = pattern.startswith("!")
    pattern = pattern[is_negated:]
    if not pattern or line.startswith("#") or "//" in pattern:
        return None
    pattern = _STARS.sub("**", pattern)
    folders_only = pattern.endswith("/")
    pattern = pattern.rstrip("/")
    if "/" not in pattern:
        pattern = f"**/{pattern}"
    if pattern.endswith("/**"):
        pattern += "/*"
    try:
        return _Rule(path_pattern(pattern), is_negated, folders_only)
    except BadPattern:
        return None


def _without_trailing_blanks(line: str) -> str:
    kept = line.rstrip(" \t\r")
    if kept.endswith("\\") and not kept.endswith("\\\\") and len(line) > len(kept):
        return kept + line[len(kept)]
    return kept
