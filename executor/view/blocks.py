"""Cut Markdown that arrives bit by bit into blocks, each as soon as nothing can change it.

Looks at lines only, never twice; what a block looks like is not decided here.
"""

import re
from dataclasses import dataclass

OPEN_MAX = 32 * 1024
"""Characters of a block that stays open; a longer one is cut at a line."""

_FENCE = re.compile(r"^( {0,3})(`{3,}|~{3,})(.*)$")
_ITEM = re.compile(r"^ {0,3}(?:[-*+]|\d{1,9}[.)])(?:\s|$)")
_HEADING = re.compile(r"^ {0,3}#{1,6}(?:\s|$)")


@dataclass(frozen=True, slots=True)
class Block:
    text: str
    apart: bool = True
    """A blank line stands before it; False between the items of one list."""


class BlockCutter:
    """Feed it pieces of one message; it gives back the blocks that are complete."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._partial = ""
        self._size = 0
        self._fence = ""
        self._opener = ""
        self._blank = False
        self._apart = True
        self._done: list[Block] = []

    @property
    def open_text(self) -> str:
        """What has come of the block that is not complete."""
        between = [""] if self._blank else []
        return "\n".join((*self._lines, *between, self._partial)).strip("\n")

    @property
    def open_apart(self) -> bool:
        return self._apart

    @property
    def open_fence(self) -> str:
        """The line that opened the code that the open block is in, or nothing."""
        return self._opener if self._fence else ""

    @property
    def _in_list(self) -> bool:
        return bool(self._lines) and _ITEM.match(self._lines[0]) is not None

    def feed(self, text: str) -> list[Block]:
        *lines, self._partial = f"{self._partial}{text}".split("\n")
        for line in lines:
            self._take(line)
        return self._taken()

    def finish(self) -> list[Block]:
        """The message is whole: what is open is complete."""
        if self._partial:
            self._take(self._partial)
            self._partial = ""
        self._close()
        return self._taken()

    def _taken(self) -> list[Block]:
        done, self._done = self._done, []
        return done

    def _take(self, line: str) -> None:
        if self._fence:
            self._take_code(line)
        elif not line.strip():
            self._take_blank()
        else:
            self._take_text(line)
        if self._size > OPEN_MAX:
            self._split()

    def _take_code(self, line: str) -> None:
        self._append(line)
        closing = line.strip()
        if len(closing) < len(self._fence) or closing.strip(self._fence[0]):
            return
        nested = self._lines[0] != self._opener
        self._fence = self._opener = ""
        if not nested:
            self._close()

    def _take_blank(self) -> None:
        """It ends everything but a list, which may go on behind it."""
        if self._in_list:
            self._blank = True
        else:
            self._close()

    def _take_text(self, line: str) -> None:
        in_list = self._in_list
        is_item = _ITEM.match(line) is not None
        inside = in_list and _indent(line) >= _indent(self._lines[0]) + 2
        if self._lines and not inside and (self._blank or is_item or _begins(line)):
            self._close(apart=self._blank or not (in_list and is_item))
        elif self._blank:
            self._append("")
        self._blank = False
        self._append(line)
        fence = _FENCE.match(line) if not inside else _FENCE.match(line.strip())
        if fence is not None and not (fence[2][0] == "`" and "`" in fence[3]):
            self._fence, self._opener = fence[2], line
        elif _HEADING.match(line) and len(self._lines) == 1:
            self._close()

    def _append(self, line: str) -> None:
        self._lines.append(line)
        self._size += len(line) + 1

    def _close(self, *, apart: bool = True) -> None:
        """`apart`: how the block that follows stands."""
        if self._lines:
            self._done.append(Block("\n".join(self._lines), self._apart))
            self._apart = apart
        self._lines, self._size, self._blank = [], 0, False

    def _split(self) -> None:
        opener = self._opener
        if opener:
            self._lines.append(self._fence)
        self._close(apart=False)
        if opener:
            self._append(opener)


def _begins(line: str) -> bool:
    """Whether this line begins a block in the middle of another one."""
    return bool(_HEADING.match(line) or _FENCE.match(line))


def _indent(line: str) -> int:
    line = line.expandtabs(4)
    return len(line) - len(line.lstrip(" "))
