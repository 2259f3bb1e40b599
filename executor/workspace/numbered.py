"""Lines of a file as a model sees them: each behind its number and a tab.

Long lines are cut visibly; what is shown is decided by the caller.
"""

from collections.abc import Sequence

LINE_MAX = 2000
"""Characters of a line that are shown."""


def numbered(lines: Sequence[str], first: int) -> str:
    """`lines`, of which the first has the number `first`."""
    return "\n".join(
        f"{number:>6}\t{cut_line(line)}" for number, line in enumerate(lines, start=first)
    )


def counted(number: int, noun: str) -> str:
    """`1 line`, `2 lines`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def cut_line(line: str, limit: int = LINE_MAX) -> str:
    """`line`, or its beginning and how much is missing."""
    if len(line) <= limit:
        return line
    return f"{line[:limit]} [... {len(line) - limit:,} more characters]"
