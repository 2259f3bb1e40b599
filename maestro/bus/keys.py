"""The one place where a key of Redis is made.

Connects to nothing; what lies under a key is told at the top of its module.
"""

import re
from typing import Final, Literal

KeyKind = Literal["events", "work", "control", "rate", "sockets"]

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


def key(prefix: str, kind: KeyKind, *names: str) -> str:
    """`{prefix}:{kind}:{name}:...`. Raises ValueError for a name that could be another's."""
    for name in names:
        if not _NAME.fullmatch(name):
            raise ValueError(f"not a name for a Redis key: {name!r}")
    return ":".join((prefix, kind, *names))
