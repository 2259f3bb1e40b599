"""A unified diff in colour, with line numbers, capped.

Reads the diff's own text; knows neither files nor calls.
"""

import re
from collections.abc import Iterator

from executor.view.look import Look, Span

SHOWN_MAX = 40
"""Lines of one diff; the rest is counted."""

_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_INDENT = "    "
_NOWHERE = "/dev/null"


def diff_lines(diff: str, look: Look, width: int, *, shown_max: int = SHOWN_MAX) -> list[str]:
    """Painted lines that fit the width; says how many were left out."""
    rows = list(_rows(diff, look))
    left_out = len(rows) - shown_max
    lines = [look.row(row, width) for row in rows[:shown_max]]
    if left_out > 0:
        words = f"{_INDENT}{look.marks.more} {left_out:,} more line{'s' * (left_out > 1)}"
        lines.append(look.row([(words, "dim")], width))
    return lines


def _rows(diff: str, look: Look) -> Iterator[list[Span]]:
    """Rows of numbers and text; the names only where there are several files."""
    lines = diff.split("\n")[: -1 if diff.endswith("\n") else None]
    several = sum(line.startswith("+++ ") for line in lines) > 1
    old = new = old_left = new_left = hunks = 0
    source = ""
    for line in lines:
        mark, text = line[:1], line[1:].expandtabs(4)
        if mark == "\\":
            yield [(f"{_INDENT}     {text.strip()}", "dim")]
        elif mark == "-" and old_left:
            yield [_number(old), (f"- {text}", "red")]
            old, old_left = old + 1, old_left - 1
        elif mark == "+" and new_left:
            yield [_number(new), (f"+ {text}", "green")]
            new, new_left = new + 1, new_left - 1
        elif old_left and new_left:
            yield [_number(new), (f"  {text}", "plain")]
            old, new, old_left, new_left = old + 1, new + 1, old_left - 1, new_left - 1
        elif hunk := _HUNK.match(line):
            old, new = int(hunk[1]), int(hunk[3])
            old_left, new_left = int(hunk[2] or 1), int(hunk[4] or 1)
            hunks += 1
            if hunks > 1:
                yield [(f"{_INDENT}   {look.marks.more}", "dim")]
        elif line.startswith("+++ ") and several:
            yield [(f"{_INDENT}{_name(source, line[4:])}", "bold")]
            hunks = 0
        elif line.startswith("--- "):
            source = line[4:]
        elif not line.startswith("+++ "):
            yield [(f"{_INDENT}{line}", "dim")]


def _name(source: str, target: str) -> str:
    """What the two names of a file say about it."""
    if target == _NOWHERE:
        return f"{source} (deleted)"
    return target if source in (target, _NOWHERE) else f"{source} (moved to {target})"


def _number(line: int) -> Span:
    return (f"{_INDENT}{line:>4} ", "dim")
