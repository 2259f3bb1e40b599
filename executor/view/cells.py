"""How wide text is on a terminal, and how it is cut or folded to a width, in cells.

Works on safe text without escape sequences. An estimate where terminals disagree (emoji).
"""

from unicodedata import combining, east_asian_width

_EMOJI_STYLE = "\ufe0f"


def cell_width(text: str) -> int:
    return len(text) if text.isascii() else sum(map(_width, text))


def fit(text: str, width: int, mark: str = "\u2026") -> str:
    """`text` in at most `width` cells; what is cut ends in `mark` if that fits."""
    if cell_width(text) <= width:
        return text
    room = width - cell_width(mark)
    return f"{_head(text, room)}{mark}" if room > 0 else _head(text, max(width, 0))


def pad(text: str, width: int) -> str:
    return text + " " * max(0, width - cell_width(text))


def wrap(text: str, width: int) -> list[str]:
    """`text` folded into lines of at most `width` cells, at spaces where there are any."""
    width = max(width, 1)
    return [piece for line in text.split("\n") for piece in _folded(line.expandtabs(4), width)]


def _folded(line: str, width: int) -> list[str]:
    pieces: list[str] = []
    while cell_width(line) > width:
        head = _head(line, width) or line[0]
        space = head.rfind(" ")
        if line[len(head)] != " " and space > width // 2:
            head = head[:space]
        pieces.append(head)
        line = line[len(head) :].removeprefix(" ")
    pieces.append(line)
    return pieces


def _head(text: str, width: int) -> str:
    if text.isascii():
        return text[:width]
    used = 0
    for at, char in enumerate(text):
        used += _width(char)
        if used > width:
            return text[:at]
    return text


def _width(char: str) -> int:
    if char == _EMOJI_STYLE:
        return 1  # makes most of the signs before it two cells wide
    if combining(char):
        return 0
    return 2 if east_asian_width(char) in "WF" else 1
