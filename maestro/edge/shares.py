"""What each person may take of this process's time: a burst, then a steady share, first come first.

Goes by what work is known to cost, not by a profile. Whoever is above waits; nothing is dropped.
"""

import asyncio
import time
from collections.abc import Callable

BURST_SECONDS = 0.25
"""Of one processor, for whoever did nothing lately."""
FRAME_SECONDS = 0.000_1
BYTE_SECONDS = 0.008 / 2**20
"""To read, decode and check one byte of a frame."""
FACT_SECONDS = 0.001
"""To write one row to the ledger, and to tell who follows."""
RUN_SECONDS = 0.005
"""To open or attach a session, or to begin a run."""
REQUEST_SECONDS = 0.003
EVENT_SECONDS = 0.000_05
"""To show one event of a session."""
KEPT = 1024
"""People above which those who did nothing lately are forgotten, which costs them nothing."""

Clock = Callable[[], float]


class Share:
    """One person's. Work that is begun may overdraw it: then the next waits for longer."""

    def __init__(self, share: float | None, clock: Clock) -> None:
        self._share = share
        self._clock = clock
        self._balance = BURST_SECONDS
        self._at = clock()
        self._turn = asyncio.Lock()
        self.waiting = 0
        """How many wait for their turn."""

    @property
    def wait(self) -> float:
        """Seconds until something may begin."""
        return 0.0 if self._share is None else max(0.0, -self._now() / self._share)

    @property
    def full(self) -> bool:
        """Nothing of it is used."""
        return not self.waiting and self._now() >= BURST_SECONDS

    def charge(self, seconds: float) -> None:
        """What was done already."""
        self._balance = self._now() - seconds

    async def spend(self, seconds: float) -> None:
        """Wait for a turn, then charge: in the order of the calls."""
        if self._share is None:
            return
        if self.waiting or self.wait:
            self.waiting += 1
            try:
                async with self._turn:
                    await asyncio.sleep(self.wait)
                    self.charge(seconds)
            finally:
                self.waiting -= 1
        else:
            self.charge(seconds)

    def _now(self) -> float:
        now = self._clock()
        if self._share is not None:
            earned = (now - self._at) * self._share
            self._balance = min(BURST_SECONDS, self._balance + earned)
        self._at = now
        return self._balance


class Shares:
    def __init__(self, share: float | None, clock: Clock = time.monotonic) -> None:
        """`share`: of one processor, above 0; None: nobody waits. `clock`: seconds."""
        self._share = share
        self._clock = clock
        self._of: dict[str, Share] = {}

    def of(self, owner: str) -> Share:
        """For one piece of work, or as long as a socket lasts."""
        found = self._of.get(owner)
        if found is None:
            if len(self._of) >= KEPT:
                self._of = {name: share for name, share in self._of.items() if not share.full}
            found = self._of[owner] = Share(self._share, self._clock)
        return found
