"""When a frame is drawn: at once after a pause, at most 20 times a second.

Knows the loop's clock; what is drawn is the caller's.
"""

import asyncio
from collections.abc import Callable

FRAME_SECONDS = 0.05


class Pace:
    def __init__(self, draw: Callable[[], None]) -> None:
        self._draw = draw
        self._last = float("-inf")
        self._timer: asyncio.TimerHandle | None = None

    def soon(self) -> None:
        """Something is to be seen. Without a running loop it is drawn at once."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._draw()
            return
        due = self._last + FRAME_SECONDS
        if loop.time() >= due:
            self._frame()
        else:
            self._at(loop, due)

    def later(self, seconds: float) -> None:
        """Draw again after so long, unless something comes before."""
        loop = asyncio.get_running_loop()
        self._at(loop, loop.time() + seconds)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _at(self, loop: asyncio.AbstractEventLoop, when: float) -> None:
        if self._timer is not None and self._timer.when() <= when:
            return
        self.stop()
        self._timer = loop.call_at(when, self._frame)

    def _frame(self) -> None:
        self.stop()
        self._last = asyncio.get_running_loop().time()
        self._draw()
