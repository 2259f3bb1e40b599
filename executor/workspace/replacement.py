"""Replace passages of a text, all of them or none, and say why where that can't be done.

Line endings are those of the passage that goes; everything else stays as it was. Touches no file.
"""

from collections.abc import Sequence

import msgspec

from executor.errors import ToolFailure
from executor.workspace.passage import nearest, occurrences
from executor.workspace.text import Text, Unified, with_ending

_PLACES_SHOWN = 10


class Replacement(msgspec.Struct, frozen=True):
    old: str
    """Not empty; any line ending stands for any other."""
    new: str
    everywhere: bool = False


def replaced(before: Text, replacements: Sequence[Replacement], path: str) -> tuple[Text, int]:
    """The text after all `replacements`, each made in what those before it left; how many places.

    Raises ToolFailure no_match, several_matches or no_change, which name the one that failed.
    """
    text, places = before, 0
    for number, one in enumerate(replacements, start=1):
        try:
            text, count = _replaced(text, one, path)
        except ToolFailure as failure:
            if len(replacements) == 1:
                raise
            words = f"Edit {number} of {len(replacements)}, and so none was made: "
            raise ToolFailure(failure.code, f"{words}{failure.message}") from failure
        places += count
    return text, places


def _replaced(before: Text, one: Replacement, path: str) -> tuple[Text, int]:
    unified = Unified(before.text)
    old = with_ending(one.old, "\n")
    if before.ending == "\r":
        old = old.replace("\r", "\n")
    starts = occurrences(unified.text, old)
    if not starts:
        raise ToolFailure("no_match", _no_match(unified.text, old, path))
    if not one.everywhere:
        _require_one(unified.text, old, starts, path)
    parts: list[str] = []
    done = 0
    for start in starts:
        first, last = unified.start(start), unified.end(start + len(old))
        parts += [before.text[done:first], _new(one.new, before, first, last)]
        done = last
    after = "".join((*parts, before.text[done:]))
    if after == before.text:
        raise ToolFailure("no_change", "old_string and new_string are the same: no change.")
    return before.with_text(after), len(starts)


def _require_one(text: str, old: str, starts: list[int], path: str) -> None:
    """A second match counts even where it overlaps the first: either could be meant."""
    overlapping = text.find(old, starts[0] + 1)
    if overlapping >= 0:
        places = sorted({*starts, overlapping})
        raise ToolFailure("several_matches", _several(text, places, path))


def _new(text: str, before: Text, first: int, last: int) -> str:
    """`text` with the line endings of the passage that it replaces, or else of the file."""
    passage = before.text[first:last]
    ending = (Text(passage) if "\n" in passage else before).ending
    return with_ending(text, ending)


def _no_match(text: str, old: str, path: str) -> str:
    if not text:
        return f"old_string was not found: {path} is empty. Use WriteFile to fill it."
    near = nearest(text, old)
    if near is None:
        return f"old_string was not found in {path}, and nothing like it. Read the file again."
    return f"old_string was not found in {path}. {near}"


def _several(text: str, starts: list[int], path: str) -> str:
    lines = [text.count("\n", 0, start) + 1 for start in starts[:_PLACES_SHOWN]]
    more = f" and {len(starts) - len(lines):,} more" if len(starts) > len(lines) else ""
    return (
        f"old_string matches {len(starts):,} places in {path}, at lines "
        f"{', '.join(map(str, lines))}{more}. Take more lines around it, or set replace_all."
    )
