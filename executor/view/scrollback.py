"""Lines that are to stay, in the order in which they were said, with air between the sections.

Made when they are printed, because only then is the width known. Prints nothing itself.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from executor.view.blocks import Block
from executor.view.cells import wrap
from executor.view.look import Look, Span, Style
from executor.view.safe_text import safe_text

Section = Literal["head", "text", "work", "note", "words", "question", "end"]
Make = Callable[[int], list[str]]


class Renderer(Protocol):
    """Markdown in, painted and safe lines out."""

    def lines(self, text: str, width: int) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class _Piece:
    section: Section
    make: Make | Block
    """Lines for a width, or Markdown."""
    apart: bool


class Scrollback:
    def __init__(self, look: Look) -> None:
        self.renderer: Renderer | None = None
        """None while it is being loaded: Markdown, and what was said after it, waits."""
        self._look = look
        self._pieces: deque[_Piece] = deque()
        self._section: Section | None = None

    def add(self, section: Section, make: Make, *, apart: bool = False) -> None:
        """`apart`: a blank line before it also where the section goes on."""
        self._pieces.append(_Piece(section, make, apart))

    def add_blocks(self, blocks: Sequence[Block]) -> None:
        for block in blocks:
            self._pieces.append(_Piece("text", block, block.apart))

    def add_words(self, text: str, style: Style, section: Section = "note", mark: str = "") -> None:
        """Text from anywhere, folded to the width and set in behind its mark."""
        look, indent = self._look, " " * len(mark)

        def row(margin: str, line: str, width: int) -> str:
            spans: tuple[Span, ...] = ((margin, "cyan"), (line, style))
            return look.row(spans, width)

        def make(width: int) -> list[str]:
            first, *rest = wrap(safe_text(text), width - len(mark))
            return [row(mark, first, width), *(row(indent, line, width) for line in rest)]

        self.add(section, make)

    @property
    def waits_for_renderer(self) -> bool:
        """There is Markdown to print, and nothing yet that lays it out."""
        return self.renderer is None and any(isinstance(p.make, Block) for p in self._pieces)

    def take(self, width: int) -> list[str]:
        """Everything that can be printed by now."""
        lines: list[str] = []
        while self._pieces:
            piece = self._pieces[0]
            if isinstance(piece.make, Block):
                if self.renderer is None:
                    break
                made = self.renderer.lines(piece.make.text, width)
            else:
                made = piece.make(width)
            if self.gap(piece.section, apart=piece.apart):
                lines.append("")
            lines.extend(made)
            self._section = piece.section
            self._pieces.popleft()
        return lines

    def gap(self, section: Section, *, apart: bool) -> bool:
        """Whether a blank line stands before what would be printed next."""
        return self._section is not None and (apart or section != self._section)
