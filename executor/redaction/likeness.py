"""Whether a value looks like a secret rather than like a word, a path or a piece of code.

Looks at one value that a name already calls a secret; never at a whole text.
"""

import math
import re

MIN_CHARACTERS = 8
MAX_CHARACTERS = 512
MIN_BITS = 2.5
"""Of Shannon entropy, for each character."""
_MIN_KINDS = 6
"""Fewer different characters have fewer bits."""

_STANDS_FOR = (
    "example", "your", "xxxx", "placeholder", "dummy", "redacted", "***", "...", "«", "${", "{{",
    "%(", "<",
)  # fmt: skip
"""What is written where a secret is to be filled in."""
_CHANGE_ME = re.compile("change.?me")
_CODE = re.compile(r"[A-Za-z_]\w*(?:(?:\.|::|->)[A-Za-z_]\w*)+|[A-Za-z_-]+")
_VERSION = re.compile(r"[\^~<>=v]*\d+\.[\dx*][\w.+*^~<>=| -]*")
_ELSEWHERE = ("/", "./", "../", "~/", "http://", "https://", "file:")


def looks_secret(value: str) -> bool:
    """Long enough, mixed enough, and neither code, a path, nor what stands for a secret."""
    return (
        MIN_CHARACTERS <= len(value) <= MAX_CHARACTERS
        and not value.startswith(_ELSEWHERE)
        and not value.isdecimal()
        and _CODE.fullmatch(value) is None
        and _VERSION.fullmatch(value) is None
        and not _stands_for_one(value.lower())
        and _bits(value) >= MIN_BITS
    )


def _stands_for_one(lowered: str) -> bool:
    # A loop: one pattern of all these takes ten times as long.
    for sign in _STANDS_FOR:
        if sign in lowered:
            return True
    return "change" in lowered and _CHANGE_ME.search(lowered) is not None


def _bits(value: str) -> float:
    kinds, length = set(value), len(value)
    if len(kinds) < _MIN_KINDS:
        return 0
    # What occurs once adds nothing to the sum.
    counts = [n for n in map(value.count, kinds) if n > 1]
    return math.log2(length) - sum(n * math.log2(n) for n in counts) / length
