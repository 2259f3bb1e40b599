"""What a patch asks for: one section a file, hunks of marked lines.

Values only; how they are spelled is `parse`'s business.
"""

from collections.abc import Iterator
from typing import Literal

import msgspec

Mark = Literal[" ", "-", "+"]


class Line(msgspec.Struct, frozen=True):
    mark: Mark
    text: str
    unprefixed: bool = False
    """An empty line of the patch, without the blank that marks context: may be mere layout."""
    unended: bool = False
    """The last line of a file that has no line ending after it."""


class Hunk(msgspec.Struct, frozen=True):
    lines: tuple[Line, ...]
    at: int
    """The line of the patch that it begins at, counted from 1."""
    anchors: tuple[str, ...] = ()
    """Lines of the file above the hunk, the outermost first."""
    line: int | None = None
    """Where a unified diff says that it begins, counted from 1: decides between equal places."""
    at_end: bool = False

    @property
    def old(self) -> tuple[str, ...]:
        return tuple(line.text for line in self.lines if line.mark != "+")

    def without_layout(self) -> "Hunk":
        """The same without empty lines at its end that carry no mark."""
        lines = self.lines
        while lines and lines[-1].unprefixed:
            lines = lines[:-1]
        return msgspec.structs.replace(self, lines=lines)


class Add(msgspec.Struct, frozen=True):
    path: str
    text: str
    """With line feeds."""


class Update(msgspec.Struct, frozen=True):
    path: str
    hunks: tuple[Hunk, ...]
    """None only where the file is moved."""
    move_to: str | None = None


class Delete(msgspec.Struct, frozen=True):
    path: str


Section = Add | Update | Delete


def paths_of(sections: tuple[Section, ...]) -> Iterator[str]:
    """Every path that a patch touches, targets of moves included."""
    for section in sections:
        yield section.path
        if isinstance(section, Update) and section.move_to is not None:
            yield section.move_to
