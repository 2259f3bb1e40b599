"""How this terminal is spoken to: its colours, its marks, and rows that fit its width.

Every text that enters a row is made safe here. Knows nothing of what the rows mean.
"""

import codecs
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from executor.view.cells import cell_width, fit
from executor.view.safe_text import safe_line

Colours = Literal["none", "standard", "256", "truecolor"]
Style = Literal[
    "plain", "bold", "dim", "cursor", "red", "green", "yellow", "cyan", "bold red", "bold cyan"
]
Span = tuple[str, Style]

RESET = "\x1b[0m"
_LINE_MAX = 2000
"""Characters of one row that are looked at; wider terminals than this do not exist."""

_CODES: dict[Style, str] = {
    "bold": "1",
    "dim": "2",
    "cursor": "7",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "cyan": "36",
    "bold red": "1;31",
    "bold cyan": "1;36",
}
_COLOURLESS: dict[Style, str] = {
    "bold": "1",
    "dim": "2",
    "cursor": "7",
    "yellow": "1",
    "bold red": "1",
    "bold cyan": "1",
}


@dataclass(frozen=True, slots=True)
class Marks:
    success: str = "\u2713"
    error: str = "\u2717"
    denied: str = "\u2298"
    timeout: str = "\u23f1"
    cancelled: str = "\u25a0"
    interrupted: str = "?"
    prompt: str = "\u203a"
    bar: str = "\u2502"
    rule: str = "\u2500"
    dot: str = "\u00b7"
    more: str = "\u2026"
    pending: str = "\u25cb"
    active: str = "\u25d0"
    done: str = "\u25cf"
    skipped: str = "\u2013"
    spinner: str = "\u280b\u2819\u2839\u2838\u283c\u2834\u2826\u2827\u2807\u280f"


UNICODE_MARKS = Marks()
ASCII_MARKS = Marks(
    *("+", "x", "-", "t", "#", "?", ">", "|", "-", "-", "...", "[ ]", "[>]", "[x]", "[-]"),
    spinner="|/-\\",
)

_PLAIN = str.maketrans("\u2022\u258c\u2500\u2501\u2502\u2503\u23ce\u2026", "*|--||~~")
"""What layouts draw with, where there is only ASCII."""


@dataclass(frozen=True, slots=True)
class Look:
    colours: Colours = "standard"
    marks: Marks = UNICODE_MARKS

    @property
    def unicode(self) -> bool:
        return self.marks is UNICODE_MARKS

    def row(self, spans: Iterable[Span], width: int) -> str:
        """The spans on one line of at most `width` cells, made safe, cut with a mark."""
        left, painted = width, list[str]()
        for text, style in spans:
            line = self.encodable(safe_line(text, _LINE_MAX))
            shown = fit(line, left, self.marks.more)
            painted.append(self.paint(shown, style))
            if shown != line:
                break
            left -= cell_width(shown)
        return "".join(painted)

    def paint(self, text: str, style: Style) -> str:
        """`text`, which is safe already, in a style."""
        codes = _COLOURLESS if self.colours == "none" else _CODES
        code = codes.get(style)
        return f"\x1b[{code}m{text}{RESET}" if code and text else text

    def encodable(self, text: str) -> str:
        """`text` with what this terminal's character set lacks written as escapes."""
        if self.unicode or text.isascii():
            return text
        return text.translate(_PLAIN).encode("ascii", "backslashreplace").decode()


def look_of(environment: Mapping[str, str], encoding: str) -> Look:
    """What the environment and the stream's encoding say of the terminal."""
    try:
        wide = codecs.lookup(encoding).name == "utf-8"
    except LookupError:
        wide = False
    return Look(_colours(environment), UNICODE_MARKS if wide else ASCII_MARKS)


def _colours(environment: Mapping[str, str]) -> Colours:
    if environment.get("NO_COLOR"):
        return "none"
    if environment.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return "truecolor"
    return "256" if "256color" in environment.get("TERM", "") else "standard"
