"""Make the hunks of a patch in one text: all of them, or none.

Lines that stay keep every byte; lines that come get the line endings of those around them.
"""

from collections.abc import Sequence

import msgspec

from executor.errors import ToolFailure
from executor.patch.match import Lines, Match, matched
from executor.patch.reindent import reindented
from executor.patch.sections import Hunk
from executor.workspace.text import Text, with_ending

FAILURES_SHOWN = 5


class Patched(msgspec.Struct, frozen=True):
    text: Text
    notes: tuple[str, ...] = ()
    """Hunks that did not match to the letter, and what in."""


def patched(before: Text, hunks: Sequence[Hunk], path: str) -> Patched:
    """`before` with all `hunks` made. Raises ToolFailure, which names hunks and reasons."""
    kept = _split(before)
    lines = Lines([_bare(line, before) for line in kept])
    matches: list[Match] = []
    failures: list[ToolFailure] = []
    cursor = 0
    for number, hunk in enumerate(hunks, start=1):
        try:
            matches.append(matched(hunk, lines, cursor))
            cursor = matches[-1].end
        except ToolFailure as failure:
            where = f"{path}, hunk {number} of {len(hunks)} (line {hunk.at} of the patch)"
            failures.append(ToolFailure(failure.code, f"{where}: {failure.message}"))
    if failures:
        shown = [failure.message for failure in failures[:FAILURES_SHOWN]]
        raise ToolFailure(failures[0].code, "\n".join(shown))
    matches.sort(key=lambda match: match.start)  # stable: of two insertions the first comes first
    _require_apart(matches, path)
    after = _assembled(before, kept, matches)
    notes = tuple(
        f"{path}, line {match.start + 1}: {match.differs} differed"
        for match in matches
        if match.differs
    )
    return Patched(before.with_text(after), notes)


def _split(text: Text) -> list[str]:
    """The lines with their endings."""
    end = "\r" if text.ending == "\r" else "\n"
    lines = [f"{line}{end}" for line in text.text.split(end)]
    lines[-1] = lines[-1][: -len(end)]
    return lines if lines[-1] else lines[:-1]


def _bare(line: str, text: Text) -> str:
    if text.ending == "\r":
        return line.removesuffix("\r")
    return line.removesuffix("\n").removesuffix("\r") if line.endswith("\n") else line


def _require_apart(matches: Sequence[Match], path: str) -> None:
    end = 0
    for match in matches:
        if match.start < end:
            where = f"{path}, line {match.start + 1} (line {match.hunk.at} of the patch)"
            raise ToolFailure(
                "overlap", f"{where}: two hunks change the same lines. Make them one hunk."
            )
        end = max(end, match.end)


def _assembled(before: Text, kept: Sequence[str], matches: Sequence[Match]) -> str:
    made: list[str] = []
    done = 0
    ends_with_one = not kept or _bare(kept[-1], before) != kept[-1]
    for match in matches:
        made += kept[done : match.start]
        done = match.end
        made += _new_lines(before, kept[match.start : match.end], match)
        if any(line.unended for line in match.hunk.lines):
            new = [line for line in match.hunk.lines if line.mark != "-"]
            ends_with_one = not (new and new[-1].unended)
    made += kept[done:]
    return _ended(made, before, ends_with_one=ends_with_one)


def _new_lines(before: Text, passage: Sequence[str], match: Match) -> list[str]:
    whole = "".join(passage)
    ending = (before.with_text(whole) if "\n" in whole else before).ending
    stay = iter(passage)
    made: list[str] = []
    for line in match.hunk.lines:
        if line.mark == "+":
            text = line.text
            if match.indents is not None:
                text = reindented(text, match.indents) or text
            made.append(with_ending(f"{text}\n", ending))
        else:
            there = next(stay)
            if line.mark == " ":
                made.append(there)
    return made


def _ended(made: list[str], before: Text, *, ends_with_one: bool) -> str:
    """`made` with an ending after each line but, where the file has none there, the last."""
    lines = [
        line if _bare(line, before) != line else f"{line}{before.ending}" for line in made[:-1]
    ]
    for last in made[-1:]:
        bare = _bare(last, before)
        ending = last[len(bare) :] or before.ending
        lines.append(f"{bare}{ending}" if ends_with_one else bare)
    return "".join(lines)
