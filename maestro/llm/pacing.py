"""When text that waits on a provider's connections is handed out: under load seldom, and together.

Connections whose time has come are called one behind the other by one timer. Knows no socket.
"""

import asyncio
from collections.abc import Callable

from maestro.planning.live_text import pace_of

BEAT = 0.005
"""Seconds between two moments at which anything is handed out."""


class Pacing:
    """Shared by the connections to one provider. Belongs to one event loop."""

    def __init__(self) -> None:
        self.streams = 0
        """How many answers are being read."""
        self._due: dict[int, list[Callable[[], None]]] = {}

    def interval(self) -> float:
        """Seconds between two pieces of one answer: so far apart that nobody joins them again."""
        return 2 * pace_of(self.streams)

    def at(self, when: float, call: Callable[[], None]) -> None:
        """Call `call`, which must not raise, at the last beat before `when` on the loop's clock."""
        beat = int(when / BEAT)
        waiting = self._due.get(beat)
        if waiting is None:
            waiting = self._due[beat] = []
            asyncio.get_running_loop().call_at(beat * BEAT, self._ring, beat)
        waiting.append(call)

    def _ring(self, beat: int) -> None:
        for call in self._due.pop(beat):
            call()
