"""Whether a value looks like a secret rather than like a word, a path or a piece of code.

Looks at one value that a name already calls a secret; never at a whole text.
"""

import math
import re
from collections import Counter

MIN_CHARACTERS = 8
MAX_CHARACTERS = 512
MIN_BITS = 2.5
"""Of Shannon entropy, for each character."""

_NO_SECRET = re.compile(
    r"example|change.?me|your|x{4,}|placeholder|dummy|redacted|\*{3,}|\.{3}|«|\$\{|\{\{|%\(|<",
    re.IGNORECASE,
)
_CODE = re.compile(r"[A-Za-z_]\w*(?:(?:\.|::|->)[A-Za-z_]\w*)+|[A-Za-z_-]+")
_VERSION = re.compile(r"[\^~<>=v]*\d+(?:\.[\dx*]+)+[\w.+^~<>=| -]*")
_ELSEWHERE = ("/", "./", "../", "~/", "http://", "https://", "file:")


def looks_secret(value: str) -> bool:
    """Long enough, mixed enough, and neither code, a path, nor what stands for a secret."""
    return (
        MIN_CHARACTERS <= len(value) <= MAX_CHARACTERS
        and not value.startswith(_ELSEWHERE)
        and not value.isdecimal()
        and _CODE.fullmatch(value) is None
        and _VERSION.fullmatch(value) is None
        and _NO_SECRET.search(value) is None
        and _bits(value) >= MIN_BITS
    )


def _bits(value: str) -> float:
    length = len(value)
    return -sum(n / length * math.log2(n / length) for n in Counter(value).values())
