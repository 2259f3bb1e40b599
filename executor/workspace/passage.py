"""Find the passage that an edit means, and where there is none, what comes nearest and why.

Works on text with a line feed for every line ending; changes nothing.
"""

import difflib
import re
import unicodedata
from collections.abc import Callable

import msgspec

from executor.workspace.numbered import cut_line, numbered
from executor.workspace.text import lines_of

_SHOWN_LINES = 20
_SHOWN_CHARACTERS = 200
_FOLDED_LINES = 100_000
_COMPARED_LINES = 5000
_COMPARED_WORDS = 500
_CLOSE = 0.6
_TYPOGRAPHIC = str.maketrans(
    "\u2018\u2019\u201a\u201b\u2032\u201c\u201d\u201e\u2033\u00ab\u00bb\u2010\u2011\u2012\u2013\u2014\u2212"
    "\u00a0\u2007\u2009\u202f\u3000",
    '\'\'\'\'\'""""""------     ',
)
_UNSEEN = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff\u200e\u200f"))
_NUMBERED = re.compile(r"^ *\d+\t", re.MULTILINE)

_TABS = "tabs where {given} has spaces, or the other way round"

_Fold = Callable[[str], str]


def _spaced(line: str) -> str:
    return " ".join(line.split())


_FOLDS: tuple[tuple[str, _Fold], ...] = (
    ("trailing white space", str.rstrip),
    (_TABS, lambda line: line.expandtabs(4)),
    (_TABS, lambda line: line.expandtabs(8)),
    ("indentation", str.strip),
    ("white space", _spaced),
    ("typographic quotes, dashes or spaces", lambda line: line.translate(_TYPOGRAPHIC).strip()),
    ("characters that can't be seen", lambda line: line.translate(_UNSEEN).strip()),
    (
        "the Unicode form of its characters",
        lambda line: unicodedata.normalize("NFKC", line).strip(),
    ),
    ("capital letters", lambda line: line.casefold().strip()),
    ("escapes", lambda line: line.replace("\\", "").strip()),
    ("quotes", lambda line: line.translate(_TYPOGRAPHIC).replace('"', "'").strip()),
    ("a carriage return inside a line", lambda line: line.replace("\r", "").strip()),
)
"""Ways of being nearly equal, the mildest first."""


class Near(msgspec.Struct, frozen=True):
    """The nearest passage: its first line, counted from 1, its lines, and what differs."""

    first: int
    lines: tuple[str, ...]
    differs: str
    example: str = ""
    """The first line that differs, in both forms; empty where the words themselves differ."""

    def __str__(self) -> str:
        last = self.first + len(self.lines) - 1
        shown = numbered(self.lines[:_SHOWN_LINES], self.first)
        more = len(self.lines) - _SHOWN_LINES
        rest = f"\n[{more:,} more lines]" if more > 0 else ""
        where = f"line {self.first}" if last == self.first else f"lines {self.first} to {last}"
        return f"The nearest text, {where}, differs in {self.differs}:\n{shown}{rest}{self.example}"


def occurrences(text: str, passage: str) -> list[int]:
    """Where `passage` begins in `text`, from left to right, without overlaps."""
    found: list[int] = []
    at = text.find(passage)
    while at >= 0:
        found.append(at)
        at = text.find(passage, at + len(passage))
    return found


def nearest(text: str, passage: str, given: str = "old_string") -> Near | None:
    """The passage of `text` that `passage`, which the words call `given`, most likely meant."""
    near = _nearest(text, passage)
    if near is None:
        return None
    differs, example = near.differs.replace("{given}", given), ""
    if near.example is not None:
        number, there, wanted = near.example
        there, wanted = _visible(there), _visible(wanted)
        example = f"\nLine {number} of the file: {there}\nIn {given}:  {wanted}"
    return Near(near.first, near.lines, differs, example)


class _Found(msgspec.Struct, frozen=True):
    first: int
    lines: tuple[str, ...]
    differs: str
    example: tuple[int, str, str] | None = None


def _nearest(text: str, passage: str) -> _Found | None:
    lines = lines_of(text)[:_FOLDED_LINES]
    wanted = lines_of(passage)
    bare = lines_of(_NUMBERED.sub("", passage))
    if bare != wanted:
        at = _window(lines, bare, str.strip)
        if at is not None:
            return _near(lines, at, bare, "the line numbers, which are not part of the file")
    for differs, fold in _FOLDS:
        at = _window(lines, wanted, fold)
        if at is not None:
            return _near(lines, at, wanted, differs, in_detail=True)
    broken = _otherwise_broken(text, passage)
    if broken is not None:
        first, count = broken
        return _Found(
            first + 1, tuple(lines[first : first + count]), "where its lines break, or blank lines"
        )
    at = _most_alike(lines[:_COMPARED_LINES], wanted)
    return None if at is None else _near(lines, at, wanted, "its words", in_detail=True)


def _near(
    lines: list[str], at: int, wanted: list[str], differs: str, *, in_detail: bool = False
) -> _Found:
    there = lines[at : at + len(wanted)]
    pairs = enumerate(zip(there, wanted, strict=False), start=at + 1)
    unlike = ((number, line, given) for number, (line, given) in pairs if line != given)
    return _Found(at + 1, tuple(there), differs, next(unlike, None) if in_detail else None)


def _visible(line: str) -> str:
    """`line` in quotes, with escapes for tabs and for what is not plain ASCII but looks like it."""
    hidden = (
        f"\\u{ord(char):04x}" if ord(char) in _TYPOGRAPHIC or ord(char) in _UNSEEN else char
        for char in cut_line(line, _SHOWN_CHARACTERS)
    )
    escaped = "".join(hidden).replace("\t", "\\t").replace("\r", "\\r")
    return f"\u00bb{escaped}\u00ab"


def _otherwise_broken(text: str, passage: str) -> tuple[int, int] | None:
    """First line, counted from 0, and number of lines where the same words stand in other lines."""
    words = passage.split()
    if not 1 < len(words) <= _COMPARED_WORDS:
        return None
    found = re.search(r"\s+".join(map(re.escape, words)), text)
    if found is None:
        return None
    return text.count("\n", 0, found.start()), found.group().count("\n") + 1


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
