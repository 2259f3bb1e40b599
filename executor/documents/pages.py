"""Which pages of a document are meant, and how pages become lines.

Knows no format of documents.
"""

import re

import msgspec

PAGES_MAX = 50
"""Pages that are shown at once."""
_RANGE = re.compile(r"(\d{1,6})(?:\s*-\s*(\d{1,6})?)?")


class Pages(msgspec.Struct, frozen=True):
    """Pages `first` to `last`, both counted from 1 and included; `last` None: to the end."""

    first: int
    last: int | None


def pages_of(asked: str | None) -> Pages | None:
    """What `3`, `2-5`, `7-` or None ask for; None if it is nothing of the kind."""
    if asked is None:
        return Pages(1, None)
    match = _RANGE.fullmatch(asked.strip())
    if match is None:
        return None
    first = int(match[1])
    last = first if "-" not in asked else int(match[2]) if match[2] else None
    if first < 1 or (last is not None and last < first):
        return None
    return Pages(first, last)
