"""Markdown of the model, laid out for a terminal by rich.

Loaded late and in the background: rich takes 100 ms. What it is given is made safe here.
"""

from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from typing import ClassVar

from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.color import ColorSystem
from rich.console import Console, JustifyMethod
from rich.markdown import CodeBlock, Heading, Markdown, MarkdownElement
from rich.segment import Segment
from rich.style import Style
from rich.syntax import Syntax
from rich.theme import Theme

from executor.view.look import Colours, Look
from executor.view.safe_text import safe_text

# Off: what would hide a part of the text (references, images, HTML) or bring characters in
# behind the sanitiser's back (entities).
_UNWANTED = ["entity", "reference", "image", "autolink", "html_inline", "html_block"]
_SYSTEMS: dict[Colours, ColorSystem] = {
    "none": ColorSystem.STANDARD,
    "standard": ColorSystem.STANDARD,
    "256": ColorSystem.EIGHT_BIT,
    "truecolor": ColorSystem.TRUECOLOR,
}
_THEME = Theme(
    {
        "markdown.code": Style(color="cyan"),
        "markdown.h1": Style(bold=True, underline=True),
        "markdown.h2": Style(bold=True),
        "markdown.h3": Style(bold=True),
        "markdown.h4": Style(bold=True, dim=True),
        "markdown.block_quote": Style(dim=True),
        "markdown.item.bullet": Style(dim=True),
        "markdown.item.number": Style(dim=True),
        "markdown.link": Style(),
        "markdown.link_url": Style(dim=True, underline=True),
        "markdown.table.border": Style(dim=True),
        "markdown.table.header": Style(bold=True),
    }
)


class _LeftHeading(Heading):
    LEVEL_ALIGN: ClassVar[dict[str, JustifyMethod]] = dict.fromkeys(Heading.LEVEL_ALIGN, "left")


class _Code(CodeBlock):
    """Code in the terminal's own colours, set in by two cells."""

    def __rich_console__(self, *_: object) -> Iterator[Syntax]:
        code = str(self.text).rstrip("\n")
        yield Syntax(code, self.lexer_name, theme="ansi_dark", word_wrap=True, padding=(0, 2))


class _LaidOut(Markdown):
    elements: ClassVar[dict[str, type[MarkdownElement]]] = {
        **Markdown.elements,
        "heading_open": _LeftHeading,
        "fence": _Code,
        "code_block": _Code,
    }


class MarkdownRenderer:
    """Turns one block of Markdown into painted lines."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._system = _SYSTEMS[look.colours]
        self._parser = MarkdownIt("commonmark", {"html": False})
        self._parser.enable(["strikethrough", "table"]).disable(_UNWANTED)

    def lines(self, text: str, width: int) -> list[str]:
        """`text`, raw, in lines of at most `width` cells, without blank ones at the ends."""
        markdown = _LaidOut("", hyperlinks=False)
        markdown.parsed = self._parser.parse(safe_text(text))
        _make_safe(markdown.parsed)
        console = Console(
            file=StringIO(),
            width=max(width, 4),
            force_terminal=True,
            legacy_windows=False,
            theme=_THEME,
            _environ={},
        )
        rendered = console.render_lines(markdown, pad=False)
        lines = [self._look.encodable("".join(self._painted(line))) for line in rendered]
        while lines and not lines[-1]:
            lines.pop()
        while lines and not lines[0]:
            lines.pop(0)
        return lines

    def _painted(self, line: Sequence[Segment]) -> Iterator[str]:
        end = len(line)
        while end and not line[end - 1].text.strip():
            end -= 1
        for at, segment in enumerate(line[:end]):
            text = segment.text.rstrip(" ") if at == end - 1 else segment.text
            style = segment.style or Style.null()
            if self._look.colours == "none":
                style = style.without_color
            yield style.render(text, color_system=self._system)


def _make_safe(tokens: Iterable[Token]) -> None:
    """Again, behind the parser: whatever it made of the text, no control has come in."""
    for token in tokens:
        token.content = safe_text(token.content)
        for name, value in token.attrs.items():
            if isinstance(value, str):
                token.attrs[name] = safe_text(value)
        if token.children:
            _make_safe(token.children)
