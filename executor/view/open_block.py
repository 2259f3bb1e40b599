"""The block that the model is writing, laid out anew at each frame, as far as it can be seen.

Bounded by the room that there is, however long the block gets. Draws nothing.
"""

from executor.view.cells import wrap
from executor.view.look import Look
from executor.view.safe_text import safe_text
from executor.view.scrollback import Scrollback

_SHOWN_MAX = 8 * 1024
"""Characters of its end that are laid out."""


class OpenBlock:
    """Remembers the last frame: most frames change something else."""

    def __init__(self, look: Look, scrollback: Scrollback) -> None:
        """`scrollback` has the renderer, once it is loaded."""
        self._look = look
        self._scrollback = scrollback
        self._key = ("", 0, 0, False)
        self._lines: list[str] = []

    def lines(self, text: str, fence: str, width: int, height: int) -> list[str]:
        """Its last lines, at most `height`. `fence`: the line that opened the code it is in."""
        renderer = self._scrollback.renderer
        key = (text, width, height, renderer is None)
        if self._key == key:
            return self._lines
        if len(text) > _SHOWN_MAX or text.count("\n") > height:
            tail = "\n".join(text[-_SHOWN_MAX:].split("\n")[-height:])
            text = f"{fence}\n{tail}" if fence else tail
        if renderer is None:
            folded = wrap(safe_text(text), width)[-height:]
            lines = [self._look.row([(line, "plain")], width) for line in folded]
        else:
            lines = renderer.lines(text, width)[-height:]
        self._key, self._lines = key, lines
        return lines
