"""Paths that are left out of every listing and search, by wildcards.

Matches names only. Whose patterns these are is not known here.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

import msgspec


class LeftOut(msgspec.Struct, frozen=True):
    patterns: tuple[str, ...] = ()
    """As in a rule: `*` and `?` within a name, `**` across folders; without '/' any name."""

    def covers(self, parts: Sequence[str]) -> bool:
        """Whether a path of these components is left out, itself or by a folder above it."""
        if not self.patterns:
            return False
        expression = _expression(self.patterns)
        return any(
            expression.fullmatch("/".join(parts[:count])) for count in range(1, len(parts) + 1)
        )


NOTHING_LEFT_OUT = LeftOut()


@lru_cache(maxsize=16)
def _expression(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{path_expression(one)})" for one in patterns), re.DOTALL)


def path_expression(pattern: str) -> str:
    """A regular expression for whole paths, relative to the root, with '/'."""
    pieces: list[str] = []
    rest = pattern if "/" in pattern else f"**/{pattern}"
    rest = rest.removeprefix("./")
    while rest:
        if rest.startswith("**/"):
            pieces.append("(?:[^/]+/)*")
            rest = rest[3:]
        elif rest.startswith("**"):
            pieces.append(".*")
            rest = rest[2:]
        else:
            pieces.append({"*": "[^/]*", "?": "[^/]"}.get(rest[0], re.escape(rest[0])))
            rest = rest[1:]
    return "".join(pieces)
