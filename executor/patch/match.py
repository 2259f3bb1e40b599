"""Find the place that a hunk means: exactly, or but for white space where only one place fits.

Compares lines without their endings; changes nothing.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence

import msgspec

from executor.errors import ToolFailure
from executor.patch.reindent import Indents, indents_of
from executor.patch.sections import Hunk
from executor.workspace.passage import nearest

_SHOWN = 10
COMPARED_MAX = 2_000_000
"""Places that the hunks of one file are held against: more would take minutes."""


def _spaced(line: str) -> str:
    return " ".join(line.split())


_FOLDS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("", str),
    ("white space at line ends", str.rstrip),
    ("indentation", str.strip),
    ("white space", _spaced),
)
"""Ways of being equal, the strictest first."""


class Match(msgspec.Struct, frozen=True):
    start: int
    """Counted from 0."""
    hunk: Hunk
    differs: str = ""
    indents: Indents | None = None
    """How the patch indents and how the file does, where that differs."""

    @property
    def end(self) -> int:
        return self.start + len(self.hunk.old)


class Lines:
    """The lines of one file, indexed once for each way of being equal."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = lines
        self._folded: dict[int, tuple[list[str], dict[str, list[int]]]] = {}
        self._compared = 0

    def places(self, wanted: Sequence[str], fold: int, start: int = 0, most: int = 1) -> list[int]:
        """The first `most` places from `start` on where all of `wanted` stands."""
        folded, index = self._index(fold)
        needle = [_FOLDS[fold][1](line) for line in wanted]
        if fold and not any(needle):
            return []  # empty lines are everywhere
        rare = min(range(len(needle)), key=lambda at: len(index.get(needle[at], ())))
        candidates = index.get(needle[rare], [])
        found: list[int] = []
        for position in range(bisect_left(candidates, start + rare), len(candidates)):
            at = candidates[position] - rare
            self._count()
            if folded[at : at + len(needle)] == needle:
                found.append(at)
                if len(found) == most:
                    break
        return found

    def _index(self, fold: int) -> tuple[list[str], dict[str, list[int]]]:
        if fold not in self._folded:
            folded = list(map(_FOLDS[fold][1], self.lines))
            index: dict[str, list[int]] = {}
            for at, line in enumerate(folded):
                index.setdefault(line, []).append(at)
            self._folded[fold] = folded, index
        return self._folded[fold]

    def _count(self) -> None:
        self._compared += 1
        if self._compared > COMPARED_MAX:
            raise ToolFailure("too_complex", "the file repeats itself too often to be patched.")


def matched(hunk: Hunk, lines: Lines, cursor: int) -> Match:
    """Where `hunk` belongs. Between equal places the first from line `cursor` on must be the only.

    Raises ToolFailure no_match, several_matches, too_complex.
    """
    bare = hunk.without_layout()
    for form in dict.fromkeys((hunk, bare) if bare.old else (bare,)):
        match = _matched(form, lines, cursor)
        if match is not None:
            return match
    raise ToolFailure("no_match", _no_match(hunk, lines))


def _matched(hunk: Hunk, lines: Lines, cursor: int) -> Match | None:
    if not hunk.old:
        return Match(_insertion(hunk, lines), hunk) if hunk.lines else None
    for fold, (differs, _) in enumerate(_FOLDS):
        found = _candidates(hunk, lines, cursor, fold)
        if len(found) > 1:
            raise ToolFailure("several_matches", _several(found, differs))
        for start in found:
            if fold < 2:
                return Match(start, hunk, differs)
            there = lines.lines[start : start + len(hunk.old)]
            indents = indents_of(hunk, there)
            if indents is not None:
                return Match(start, hunk, differs, indents)
    return None


def _candidates(hunk: Hunk, lines: Lines, cursor: int, fold: int) -> list[int]:
    """The places that `hunk` could mean; several where it does not say which."""
    old = hunk.old
    if hunk.at_end:
        last = len(lines.lines) - len(old)
        return lines.places(old, fold, last) if last >= 0 else []
    if hunk.anchors:
        # White space aside, the first place below an anchor is not surely the one.
        most = 2 if fold else 1
        starts = _anchored(hunk.anchors, lines)
        return sorted({at for start in starts for at in lines.places(old, fold, start, most)})
    found = lines.places(old, fold, cursor, _SHOWN + 1) or lines.places(old, fold, 0, _SHOWN + 1)
    if len(found) > 1 and hunk.line is not None:
        exactly = hunk.line - 1
        if lines.places(old, fold, exactly) == [exactly]:
            return [exactly]
    return found


def _anchored(anchors: Sequence[str], lines: Lines) -> list[int]:
    """Lines that `anchors` lead to, each anchor below the one before."""
    starts = _anchor_lines(anchors[0], lines, 0)
    for anchor in anchors[1:]:
        starts = [at for start in starts for at in _anchor_lines(anchor, lines, start)[:1]]
    if not starts:
        near = nearest("\n".join(lines.lines), anchors[-1], "the patch")
        raise ToolFailure("no_match", f"there is no line {anchors[-1]!r}. {near or ''}".rstrip())
    return starts


def _anchor_lines(anchor: str, lines: Lines, start: int) -> list[int]:
    for fold in (0, 2, 3):
        found = lines.places((anchor,), fold, start, _SHOWN)
        if found:
            return found
    needle = _spaced(anchor)
    holding = (at for at in range(start, len(lines.lines)) if needle in _spaced(lines.lines[at]))
    return [at for at, _ in zip(holding, range(_SHOWN), strict=False)]


def _insertion(hunk: Hunk, lines: Lines) -> int:
    """Where lines go that come with no others around them: below the anchor, else at the end."""
    if hunk.at_end or not (hunk.anchors or hunk.line is not None):
        return len(lines.lines)
    if hunk.anchors:
        found = _anchored(hunk.anchors, lines)
        if len(found) > 1:
            raise ToolFailure("several_matches", _several(found, ""))
        return found[0] + 1
    return min(hunk.line or 0, len(lines.lines))


def _several(found: Sequence[int], differs: str) -> str:
    numbers = ", ".join(str(at + 1) for at in found[:_SHOWN])
    more = " and others" if len(found) > _SHOWN else ""
    but = f", {differs} aside," if differs else ""
    return (
        f"the hunk{but} fits at lines {numbers}{more}. Take more lines of context, or name the "
        "function or class above it with '@@ LINE'."
    )


def _no_match(hunk: Hunk, lines: Lines) -> str:
    if not lines.lines:
        return "the file is empty."
    if hunk.at_end and lines.places(hunk.old, 0):
        return "its lines are there, but not at the end of the file, as the patch says."
    near = nearest("\n".join(lines.lines), "\n".join(hunk.old), "the patch")
    if near is None:
        return "its lines were not found, nor anything like them. Read the file again."
    return f"its lines were not found. {near}"
