"""The one place where a key of Redis is made.

Connects to nothing; what lies under a key is told at the top of its module.
"""

import functools
import re
from typing import Final, Literal

KeyKind = Literal["events", "work", "control", "rate", "sockets"]

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


@functools.lru_cache(maxsize=4096)  # the same few, once for each piece of text
def key(prefix: str, kind: KeyKind, *names: str) -> str:
    """`{prefix}:{kind}:{name}:...`. Raises ValueError for a name that could be another's."""
    for name in names:
        if not _NAME.fullmatch(name):
            raise ValueError(f"not a name for a Redis key: {name!r}")
    return ":".join((prefix, kind, *names))
