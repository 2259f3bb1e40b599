"""Find the passage that an edit means, and where there is none, what comes nearest and why.

Works on text with a line feed for every line ending; changes nothing.
"""

import difflib
import re
from collections.abc import Callable

import msgspec

from executor.workspace.numbered import numbered
from executor.workspace.text import lines_of

_SHOWN_LINES = 20
_COMPARED_LINES = 5000
_CLOSE = 0.6
_TYPOGRAPHIC = str.maketrans("\u2018\u2019\u201c\u201d\u2013\u2014\u00a0", "''\"\"-- ")
_NUMBERED = re.compile(r"^ *\d+\t", re.MULTILINE)

_Fold = Callable[[str], str]

_FOLDS: tuple[tuple[str, _Fold], ...] = (
    ("trailing white space", str.rstrip),
    ("indentation", str.strip),
    ("white space", lambda line: " ".join(line.split())),
    ("typographic quotes, dashes or spaces", lambda line: line.translate(_TYPOGRAPHIC).strip()),
    ("capital letters", lambda line: line.casefold().strip()),
    ("escapes", lambda line: line.replace("\\", "").strip()),
)
"""Ways of being nearly equal, the mildest first."""


class Near(msgspec.Struct, frozen=True):
    """The nearest passage: its first line, counted from 1, its lines, and what differs."""

    first: int
    lines: tuple[str, ...]
    differs: str

    def __str__(self) -> str:
        last = self.first + len(self.lines) - 1
        shown = numbered(self.lines[:_SHOWN_LINES], self.first)
        where = f"line {self.first}" if last == self.first else f"lines {self.first} to {last}"
        return f"The nearest text, {where}, differs in {self.differs}:\n{shown}"


def occurrences(text: str, passage: str) -> list[int]:
    """Where `passage` begins in `text`, from left to right, without overlaps."""
    found: list[int] = []
    at = text.find(passage)
    while at >= 0:
        found.append(at)
        at = text.find(passage, at + len(passage))
    return found


def nearest(text: str, passage: str) -> Near | None:
    """The passage of `text` that `passage` most likely meant."""
    lines = lines_of(text)
    wanted = lines_of(passage)
    bare = lines_of(_NUMBERED.sub("", passage))
    if bare != wanted:
        at = _window(lines, bare, str.strip)
        if at is not None:
            return _near(lines, at, len(bare), "the line numbers, which are not part of the file")
    for differs, fold in _FOLDS:
        at = _window(lines, wanted, fold)
        if at is not None:
            return _near(lines, at, len(wanted), differs)
    at = _most_alike(lines[:_COMPARED_LINES], wanted)
    return None if at is None else _near(lines, at, len(wanted), "its words")


def _near(lines: list[str], at: int, length: int, differs: str) -> Near:
    return Near(at + 1, tuple(lines[at : at + length]), differs)


def _window(lines: list[str], wanted: list[str], fold: _Fold) -> int | None:
    """Where all of `wanted` stands in `lines` once both are folded."""
    needle = [fold(line) for line in wanted]
    if not any(needle):
        return None
    folded = [fold(line) for line in lines]
    first, length = needle[0], len(needle)
    for at in range(len(folded) - length + 1):
        if folded[at] == first and folded[at : at + length] == needle:
            return at
    return None


def _most_alike(lines: list[str], wanted: list[str]) -> int | None:
    """Where a window begins that shares most lines with `wanted`, or nearly its longest one."""
    offsets = {line.strip(): index for index, line in enumerate(wanted) if len(line.strip()) > 3}
    votes: dict[int, int] = {}
    for at, line in enumerate(lines):
        offset = offsets.get(line.strip())
        if offset is not None and at >= offset:
            votes[at - offset] = votes.get(at - offset, 0) + 1
    if votes:
        return max(votes, key=lambda at: (votes[at], -at))
    if not offsets:
        return None
    longest = max(offsets, key=len)
    alike = difflib.get_close_matches(longest, [line.strip() for line in lines], 1, _CLOSE)
    if not alike:
        return None
    at = next(at for at, line in enumerate(lines) if line.strip() == alike[0])
    return max(0, at - offsets[longest])
