"""Values that a name calls a secret: `DB_PASSWORD=...`, `"apiKey": "..."`, `token: ...`.

Judges by the name and by how the value looks; knows no particular secret.
"""

import re
from collections.abc import Iterator

from executor.redaction.likeness import looks_secret
from executor.redaction.patterns import ascii_of
from executor.redaction.span import Span

NEEDLES = ("pass", "_pwd", "secret", "token", "key", "credential")
"""What every name of a secret holds; most of what holds one of them is no such name."""

NESTED_MAX = 1000
"""Values that are no secret and are searched for one inside, in one text, for each needle."""

_KEYS = (
    b"api", b"api_", b"api-", b"access", b"access_", b"access-", b"private", b"private_",
    b"account", b"account_", b"auth_", b"secret_", b"encryption_", b"signing_", b"master_",
)  # fmt: skip
"""What makes a secret of a key."""
_NAME = re.compile(
    r"(?:pass(?:w(?:or)?d|phrase)|(?<=_)pass|_pwd|secret|token|key(?:_base)?|credential)"
    r"(?:[_-]?(?:access[_-]?)?key(?:_base)?|[_-]?value)?s?(?:_?[0-9]{1,2})?"
    r"(?:_(?:prod|production|dev|test|live|staging))?"
    r"[\"']?[ \t]{0,3}(?::=|=>|[:=])[ \t]{0,3}"
    r"(?:\"(?P<d>[^\"\n]{8,512})\"|'(?P<q>[^'\n]{8,512})'"
    r"|(?P<b>[^\s\"'`,;<>(){}\[\]&|]{8,512}))",
    re.IGNORECASE,
)


_KINDS = {"pass": "password", "_pwd": "password", "key": "api_key"}


def assigned(text: str) -> Iterator[Span]:
    """Each value that is assigned to a name of a secret, and looks like one."""
    lowered = ascii_of(text).lower()
    for name in NEEDLES:
        needle = name.encode()
        turned_down = 0
        start = lowered.find(needle)
        while start >= 0:
            following = start + len(needle)
            match = _NAME.match(text, start) if _named(lowered, start, needle) else None
            if match is not None:
                group = match.lastgroup or "b"
                if looks_secret(match[group]):
                    yield Span(*match.span(group), _KINDS.get(name, name))
                    following = match.end()
                elif turned_down < NESTED_MAX:
                    turned_down += 1
                else:
                    following = match.end()
            start = lowered.find(needle, following)


def _named(lowered: bytes, start: int, needle: bytes) -> bool:
    return needle != b"key" or lowered[max(0, start - 11) : start].endswith(_KEYS)
