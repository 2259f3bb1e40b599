"""Values that a name calls a secret: `DB_PASSWORD=...`, `"apiKey": "..."`, `token: ...`.

Judges by the name and by how the value looks; knows no particular secret.
"""

import re
from collections.abc import Iterator
from functools import cache
from itertools import chain

from executor.redaction.likeness import looks_secret
from executor.redaction.patterns import ascii_of
from executor.redaction.span import Span

NESTED_MAX = 1000
"""Values that are no secret and are searched for one inside, in one text, for each needle."""

_KEYS = (
    "api", "api_", "api-", "access", "access_", "access-", "private", "private_", "account",
    "account_", "auth_", "secret_", "encryption_", "signing_", "master_",
)  # fmt: skip
"""What makes a secret of a key."""

# What every name of a secret holds, what else of a name must be there, the kind. In lower case.
_NAMES: dict[str, tuple[str, str]] = {
    "pass": (r"(?:w(?:or)?d|phrase|(?<=_pass))", "password"),
    "_pwd": ("", "password"),
    "secret": ("", "secret"),
    "token": ("", "token"),
    "key": (f"(?:{'|'.join(f'(?<={before}key)' for before in _KEYS)})(?:_base)?", "api_key"),
    "credential": ("", "credential"),
}
NEEDLES = tuple(_NAMES)
"""What every name of a secret holds; most of what holds one of them is no such name."""

_ASSIGNS = (
    r"(?:[_-]?(?:access[_-]?)?key(?:_base)?|[_-]?value)?s?(?:_?[0-9]{1,2})?"
    r"(?:_(?:prod|production|dev|test|live|staging))?"
    r"[\"']?[ \t]{0,3}(?::=|=>|[:=])[ \t]{0,3}"
)
_VALUE = re.compile(
    r"\"(?P<d>[^\"\r\n]{8,512})\"|'(?P<q>[^'\r\n]{8,512})'"
    r"|(?P<b>[^\s\"'`,;<>(){}\[\]&|]{8,512})"
)


@cache
def _assigning(needle: str) -> re.Pattern[bytes]:
    """A name that holds the needle, up to where its value begins."""
    return re.compile(f"{needle}{_NAMES[needle][0]}{_ASSIGNS}".encode())


def assigned(text: str) -> Iterator[Span]:
    """Each value that is assigned to a name of a secret, and looks like one."""
    return chain.from_iterable(assigned_by_name(text))


def assigned_by_name(text: str) -> Iterator[Iterator[Span]]:
    """The same, a search for each kind of name; each in order."""
    lowered = ascii_of(text).lower()
    return (_assigned(text, lowered, needle) for needle in NEEDLES if needle.encode() in lowered)


def _assigned(text: str, lowered: bytes, needle: str) -> Iterator[Span]:
    kind = _NAMES[needle][1]
    turned_down = done = 0
    for name in _assigning(needle).finditer(lowered):
        start = name.end()
        if start < done:
            continue
        value = _VALUE.match(text, start)
        if value is None:
            continue
        group = value.lastgroup or "b"
        if looks_secret(value[group]):
            yield Span(*value.span(group), kind)
            done = value.end()
        elif turned_down < NESTED_MAX:
            turned_down += 1
        else:
            done = value.end()
