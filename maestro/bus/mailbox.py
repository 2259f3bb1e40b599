"""One subscriber's bounded queue of nudges, the same for every bus.

Knows nothing of where the nudges come from. Belongs to one event loop, and has one reader.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from maestro.ports import HeadMoved, Live, Nudge, Overflowed

CAPACITY = 256
"""Nudges that wait for one subscriber: five seconds of live text at full speed."""


class Mailbox:
    """A `Subscription`: what is put in comes out in order, or as one `Overflowed`."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._nudges: deque[Nudge] = deque()
        self._reader: asyncio.Future[None] | None = None
        """Who waits for the next one."""

    def put(self, nudge: HeadMoved | Live) -> None:
        """Queue `nudge`; when full, all that waits becomes one `Overflowed` before it."""
        if len(self._nudges) >= self._capacity:
            self.overflow()
        self._nudges.append(nudge)
        self._wake_reader()

    def overflow(self) -> None:
        """Replace what waits by one `Overflowed`."""
        self._nudges.clear()
        self._nudges.append(Overflowed())
        self._wake_reader()

    def wake(self, head: int) -> None:
        """Tell of a head that the ledger's poll found."""
        self.put(HeadMoved(head))

    def __aiter__(self) -> AsyncIterator[Nudge]:
        return self

    async def __anext__(self) -> Nudge:
        while not self._nudges:
            # An Event does the same for four times as much: this is once a frame.
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        return self._nudges.popleft()

    def _wake_reader(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)
