"""When text that waits on a provider's connections is handed out: under load seldom, and together.

Connections whose time has come are called one behind the other by one timer. How late that timer
is says how busy the process is. Knows no socket.
"""

import asyncio
from collections.abc import Callable

from maestro.planning.live_text import pace_of

BEAT = 0.005
"""Seconds between two moments at which anything is handed out. To be as late as that is nothing."""
STRETCH = 4
"""Seconds that are added to an interval for each second that the process is late."""
LONGEST = 0.16
"""Seconds between two pieces of one answer, however late the process is."""
_MEMORY = 32
"""Beats that tell how late it is: one long pause alone says little."""


class Pacing:
    """Shared by the connections to one provider. Belongs to one event loop."""

    def __init__(self) -> None:
        self.streams = 0
        """How many answers are being read."""
        self._late = 0.0
        """Seconds, of the last beats."""
        self._due: dict[int, list[Callable[[], None]]] = {}

    def interval(self) -> float:
        """Seconds between two pieces of one answer: so far apart that nobody joins them again.

        A process that can't keep up makes fewer and larger pieces: each costs about the same, so
        it is the one work that can be left undone.
        """
        late = max(0.0, self._late - BEAT)
        return min(2 * pace_of(self.streams) + STRETCH * late, LONGEST)

    def heed(self, late: float) -> None:
        """A beat was so many seconds late."""
        self._late += (late - self._late) / _MEMORY

    def at(self, when: float, call: Callable[[], None]) -> None:
        """Call `call`, which must not raise, at the last beat before `when` on the loop's clock."""
        beat = int(when / BEAT)
        waiting = self._due.get(beat)
        if waiting is None:
            waiting = self._due[beat] = []
            asyncio.get_running_loop().call_at(beat * BEAT, self._ring, beat)
        waiting.append(call)

    def _ring(self, beat: int) -> None:
        self.heed(asyncio.get_running_loop().time() - beat * BEAT)
        for call in self._due.pop(beat):
            call()
