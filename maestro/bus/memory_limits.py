"""The Limits port of one process.

Bounded in what it remembers; counts in fixed windows, so that twice the bound may pass a border.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping

from maestro.ports import Counted, Limited, Quotas

HELD_SECONDS = 45.0
"""After which a socket that nobody keeps is not there any more."""
FULL_SECONDS = 10.0
"""When to ask again for a socket: nobody knows when one ends."""
MAX_COUNTERS = 50_000
"""Of one process; above, the oldest are forgotten."""


class MemoryLimits:
    """Implements `maestro.ports.Limits`."""

    def __init__(self, quotas: Quotas, *, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock`: seconds, by one that is never set."""
        self._quotas = quotas
        self._clock = clock
        self._counters: dict[tuple[Counted, str, int], int] = {}
        self._held: defaultdict[str, dict[str, float]] = defaultdict(dict)

    async def spend(self, counted: Counted, who: str, amount: int = 1) -> Limited | None:
        bound, seconds = self._quotas.window(counted)
        if bound is None:
            return None
        now = self._clock()
        counter = (counted, who, int(now // seconds))
        total = self._counters.pop(counter, 0) + amount
        self._counters[counter] = total
        while len(self._counters) > MAX_COUNTERS:
            del self._counters[next(iter(self._counters))]
        return limited(counted, bound, seconds, now) if total > bound else None

    async def look(self, counted: Counted, who: str) -> Limited | None:
        bound, seconds = self._quotas.window(counted)
        if bound is None:
            return None
        now = self._clock()
        total = self._counters.get((counted, who, int(now // seconds)), 0)
        return limited(counted, bound, seconds, now) if total >= bound else None

    async def hold(self, who: str, holder: str) -> Limited | None:
        bound = self._quotas.sockets
        if bound is None:
            return None
        now = self._clock()
        alive = {name: until for name, until in self._held[who].items() if until > now}
        if len(alive) >= bound and holder not in alive:
            self._held[who] = alive
            return Limited("sockets", bound, FULL_SECONDS)
        self._held[who] = {**alive, holder: now + HELD_SECONDS}
        return None

    async def keep(self, held: Mapping[str, str]) -> None:
        until = self._clock() + HELD_SECONDS
        for holder, who in held.items():
            self._held[who][holder] = until

    async def let_go(self, who: str, holder: str) -> None:
        self._held[who].pop(holder, None)
        if not self._held[who]:
            del self._held[who]

    async def close(self) -> None:
        """Nothing is open."""


def limited(counted: Counted, bound: int, seconds: float, now: float) -> Limited:
    """Until the window of `seconds` in which `now` lies is over."""
    return Limited(counted, bound, seconds - now % seconds)
