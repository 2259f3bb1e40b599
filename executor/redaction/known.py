"""The secrets that this machine knows: variables by their names, and the values of secret files.

Turns environments and texts into names and values; opens nothing.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from executor.redaction.assignments import assigned
from executor.redaction.likeness import MAX_CHARACTERS, MIN_CHARACTERS
from executor.redaction.patterns import formed
from executor.redaction.span import merged

_NAME = re.compile(
    r"SECRET|PASSW|PASSPHRASE|TOKEN|CREDENTIAL|(?:^|_)(?:[A-Z0-9]*KEY|AUTH|PASS|PWD|PAT|DSN)\d{0,2}$",
    re.IGNORECASE,
)
_NO_VALUE = re.compile(r"_(?:FILE|PATH|SOCK|DIR|ID|URL|NAME|TYPE|CMD|COMMAND)$", re.IGNORECASE)
_LINE = re.compile(r"[ \t]*(?:export[ \t]+)?([A-Za-z_][\w.-]{0,127})[ \t]*=[ \t]*(.*)")


_KEY_LINE = 32
"""Characters of a line of a key that is known by itself: fewer could be a word."""


class Known(msgspec.Struct, frozen=True):
    name: str
    value: str
    is_part: bool = False
    """A line of a longer secret."""


def environment_secrets(environment: Mapping[str, str]) -> Iterator[Known]:
    """The values of variables whose names say that they are secret, and passwords in the others."""
    for name, value in environment.items():
        yield from _named(name, value)


def file_secrets(text: str, *, pairs: bool) -> Iterator[Known]:
    """What a file of secrets holds; with `pairs` its lines are NAME=value."""
    for line in text.splitlines() if pairs else ():
        match = _LINE.match(line)
        if match is not None:
            value = match[2].strip()
            if value[:1] in ("'", '"'):
                value = value[1:].partition(value[0])[0]
            else:
                value = value.partition(" #")[0].rstrip()
            yield from _named(match[1], value)
    yield from _found(text)


def usable(known: Iterable[Known]) -> Iterator[Known]:
    """Those that can be looked for: neither too short to be told from words, nor too long."""
    for one in known:
        if MIN_CHARACTERS <= len(one.value) <= MAX_CHARACTERS:
            yield one


def _named(name: str, value: str) -> Iterator[Known]:
    if _NAME.search(name) and not _NO_VALUE.search(name):
        if not value.startswith(("/", "~")):
            yield Known(name, value)
    else:
        yield from (Known(name, one.value) for one in _found(value))


def _found(text: str) -> Iterator[Known]:
    for span in merged((*formed(text), *assigned(text))):
        value = text[span.start : span.end]
        if span.keep or len(value) >= _KEY_LINE:
            yield Known(span.name, value, is_part=not span.keep)
