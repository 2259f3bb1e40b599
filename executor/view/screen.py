"""Put lines on a terminal: finished ones above, to stay, and a live region at the bottom.

Each frame is one write, and redraws the live region only. Takes lines that are safe and painted.
"""

import os
import re
import select
from collections.abc import Sequence

from executor.view.cells import cell_width
from executor.view.copying import Through, copying

_FRAME = "\x1b[?2026h", "\x1b[?2026l"
"""Synchronized output: a terminal that knows it shows the frame at once, others ignore it."""
_NO_WRAP, _WRAP = "\x1b[?7l", "\x1b[?7h"
_HIDE, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
_ERASE_BELOW = "\x1b[J"
_PAINT = re.compile(r"\x1b\[[0-9;]*m")
FALLBACK_SIZE = os.terminal_size((80, 24))


class Screen:
    """Owns what is written to one terminal."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._live: tuple[str, ...] = ()
        self._drawn_at = FALLBACK_SIZE
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)

    def size(self) -> os.terminal_size:
        try:
            size = os.get_terminal_size(self._descriptor)
        except OSError:
            return FALLBACK_SIZE
        return size if size.columns > 0 and size.lines > 0 else FALLBACK_SIZE

    def is_ready(self) -> bool:
        """False while the terminal takes nothing (Ctrl-S): a write would block."""
        return any(event & ~select.POLLIN for _, event in self._poll.poll(0))

    def paint(self, above: Sequence[str], live: Sequence[str]) -> None:
        """Print `above` for good and `live` beneath it, in place of the live lines before.

        `live` lines fit the width; those that do not fit the height are left out at the top.
        """
        size = self.size()
        shown = tuple(live[-size.lines :])
        if not above and shown == self._live and size == self._drawn_at:
            return
        parts = [_FRAME[0], self._erasure(size)]
        parts.extend(f"{line}\n" for line in above)
        if shown:
            parts.extend((_HIDE, _NO_WRAP, "\n".join(shown), _WRAP))
        elif self._live:
            parts.append(SHOW_CURSOR)
        parts.append(_FRAME[1])
        self._live, self._drawn_at = shown, size
        self._write("".join(parts))

    def copy(self, text: str, through: Through) -> bool:
        """Hand `text` to the terminal's clipboard; False while it takes nothing. Moves nothing."""
        if not self.is_ready():
            return False
        self._write(copying(text, through))
        return True

    def forget(self) -> None:
        """The live region is not ours any more: somebody else has written since."""
        self._live = ()

    def _erasure(self, size: os.terminal_size) -> str:
        if not self._live:
            return ""
        # What is wider than a terminal that was made narrower has been folded by most of them.
        rows = min(sum(_rows(line, size.columns) for line in self._live), size.lines)
        up = f"\x1b[{rows - 1}A" if rows > 1 else ""
        return f"\r{up}{_ERASE_BELOW}"

    def _write(self, text: str) -> None:
        rest = memoryview(text.encode("utf-8", "replace"))
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError:
            self._live = ()  # the terminal has gone; whoever reads from it will be told


def _rows(line: str, columns: int) -> int:
    return max(-(-cell_width(_PAINT.sub("", line)) // columns), 1)
