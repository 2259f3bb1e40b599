"""The bus of a maestro that is one process: nudges go straight into its subscribers' mailboxes.

Reaches nobody outside the process. Belongs to one event loop.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

from maestro.bus.mailbox import Mailbox
from maestro.ports import HeadMoved, Live, Subscription

WORK_CAPACITY = 10_000


class MemoryBus:
    """A `Bus` without a network; a session that waits for a worker is queued once."""

    def __init__(self) -> None:
        self.dropped = 0
        """Work nudges that found the queue full; the ledger's polls find those sessions."""
        self._mailboxes: defaultdict[str, set[Mailbox]] = defaultdict(set)
        self._work: asyncio.Queue[str] = asyncio.Queue(WORK_CAPACITY)
        self._waiting: set[str] = set()

    async def publish(self, session_id: str, nudge: HeadMoved | Live) -> None:
        for mailbox in self._mailboxes.get(session_id, ()):
            mailbox.put(nudge)

    @asynccontextmanager
    async def subscribe(self, session_id: str) -> AsyncGenerator[Subscription]:
        mailbox = Mailbox()
        self._mailboxes[session_id].add(mailbox)
        try:
            yield mailbox
        finally:
            self._mailboxes[session_id].discard(mailbox)
            if not self._mailboxes[session_id]:
                del self._mailboxes[session_id]

    async def nudge_work(self, session_id: str) -> None:
        if session_id in self._waiting:
            return
        if self._work.full():
            self.dropped += 1
            return
        self._waiting.add(session_id)
        self._work.put_nowait(session_id)

    async def work(self) -> AsyncIterator[str]:
        while True:
            session_id = await self._work.get()
            self._waiting.discard(session_id)
            yield session_id

    async def check(self) -> None:
        """Always ready."""

    async def close(self) -> None:
        """Nothing to close: what waits is forgotten with the bus."""
