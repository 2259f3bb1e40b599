"""Where known values stand in a text, in time that grows with the text alone.

Looks for exact values; judges nothing.
"""

from collections.abc import Iterator
from functools import cached_property

import msgspec

from executor.redaction.patterns import ascii_of
from executor.redaction.span import Span

_PIECE = 8
"""Characters. Of 15 in a row, some 8 are one of the pieces that a text is cut into."""
_SHORT = 2 * _PIECE - 1


class Wanted(msgspec.Struct, frozen=True):
    """A value to look for."""

    value: str
    name: str
    pieces: frozenset[str]
    """Where it stands, one of these is a piece of the text; none: that can't be told."""
    spaced: bool
    """It holds white space."""
    dotted: bool
    """It may begin within a row of dots."""


def wanted(value: str, name: str) -> Wanted:
    pieces: frozenset[str] = frozenset()
    if len(value) >= _SHORT and _is_plain(value):
        pieces = frozenset(value[at : at + _PIECE] for at in range(_PIECE))
    return Wanted(
        value=value,
        name=name,
        pieces=pieces,
        spaced=any(map(str.isspace, value)),
        dotted=value.startswith(".") or ".." in value,
    )


class Places:
    """Of known values in one text."""

    def __init__(self, text: str) -> None:
        self._text = text
        # A text of wide characters is searched for plain ones many times slower than a plain one.
        self._plain = text if text.isascii() else ascii_of(text).decode("ascii")

    def may_hold(self, one: Wanted) -> bool:
        """False where it surely does not: much sooner told than looked for, when there are many."""
        return not one.pieces or not self._pieces.isdisjoint(one.pieces)

    def of(self, one: Wanted) -> Iterator[Span]:
        """In order; one may begin within another."""
        text = self._plain if _is_plain(one.value) else self._text
        start = text.find(one.value)
        while start >= 0:
            yield Span(start, start + len(one.value), one.name)
            start = text.find(one.value, start + 1)

    @cached_property
    def _pieces(self) -> frozenset[str]:
        text = self._plain
        return frozenset([text[at : at + _PIECE] for at in range(0, len(text), _PIECE)])


def _is_plain(value: str) -> bool:
    """Whether it stands in the plain text where it stands in the text, and nowhere else."""
    return value.isascii() and "?" not in value
