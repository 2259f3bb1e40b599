"""Where known values stand in a text, in time that grows with the text alone.

Looks for exact values; judges nothing.
"""

from collections.abc import Iterable, Iterator
from functools import cached_property

import msgspec

from executor.redaction.patterns import ascii_of
from executor.redaction.span import Span

_PIECE = 8
"""Characters. Of 15 in a row, some 8 are one of the pieces that a text is cut into."""
_SHORT = 2 * _PIECE - 1
_FEW = 48
"""Rare values that are looked for one by one."""


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


def begun(text: str, value: str, *, shortest: int = 1) -> int:
    """How many characters at the end of `text` are the beginning of `value`, and not all of it."""
    start = max(0, len(text) - len(value) + 1)
    while (start := text.find(value[:shortest], start)) >= 0:
        if value.startswith(text[start:]):
            return len(text) - start
        start += 1
    return 0


class Rare:
    """Many values of which hardly any stands in a text: told in a time that is the text's alone."""

    def __init__(self, most: int, most_slow: int) -> None:
        """`most` values, and of those without pieces, which every text is searched for, so many."""
        self._most = most
        self._most_slow = most_slow
        self._all: dict[str, Wanted] = {}
        self._by_piece: dict[str, list[Wanted]] = {}
        self._pieces: set[str] = set()
        self._slow: list[Wanted] = []

    def get(self, value: str) -> Wanted | None:
        return self._all.get(value)

    def values(self) -> Iterable[Wanted]:
        return self._all.values()

    def add(self, one: Wanted) -> None:
        """Nothing where there are enough."""
        if len(self._all) >= self._most or (not one.pieces and len(self._slow) >= self._most_slow):
            return
        self._all[one.value] = one
        if not one.pieces:
            self._slow.append(one)
        self._pieces |= one.pieces
        for piece in one.pieces:
            self._by_piece.setdefault(piece, []).append(one)

    def within(self, places: "Places") -> Iterable[Wanted]:
        """Those that may stand there."""
        if len(self._all) <= _FEW:
            return self._all.values()
        seen = places.pieces & self._pieces  # the smaller is gone through
        found = (one for piece in seen for one in self._by_piece[piece])
        return {one.value: one for one in (*self._slow, *found)}.values()


class Places:
    """Of known values in one text."""

    def __init__(self, text: str) -> None:
        self._text = text
        # A text of wide characters is searched for plain ones many times slower than a plain one.
        self._plain = text if text.isascii() else ascii_of(text).decode("ascii")

    def may_hold(self, one: Wanted) -> bool:
        """False where it surely does not: much sooner told than looked for, when there are many."""
        return not one.pieces or not self.pieces.isdisjoint(one.pieces)

    def of(self, one: Wanted) -> Iterator[Span]:
        """In order; one may begin within another."""
        text = self._plain if _is_plain(one.value) else self._text
        start = text.find(one.value)
        while start >= 0:
            yield Span(start, start + len(one.value), one.name)
            start = text.find(one.value, start + 1)

    @cached_property
    def pieces(self) -> frozenset[str]:
        """The text cut up: what stands at every eighth character."""
        text = self._plain
        return frozenset([text[at : at + _PIECE] for at in range(0, len(text), _PIECE)])


def _is_plain(value: str) -> bool:
    """Whether it stands in the plain text where it stands in the text, and nowhere else."""
    return value.isascii() and "?" not in value
