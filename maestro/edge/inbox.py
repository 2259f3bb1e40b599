"""Frames that were read from one socket and wait to be taken, bounded by count and by bytes.

Reading goes on while the ledger is away, so that pongs are seen; it stops when this is full.
"""

import asyncio
from collections import deque


class Inbox:
    def __init__(self, max_frames: int, max_bytes: int) -> None:
        self._max_frames = max_frames
        self._max_bytes = max_bytes
        self._frames: deque[str] = deque()
        self._bytes = 0
        self._ended = False
        self._changed = asyncio.Condition()

    @property
    def waiting(self) -> bool:
        """A frame is there to be taken at once."""
        return bool(self._frames)

    async def put(self, text: str) -> None:
        """Wait for room: any frame fits into an empty inbox."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._has_room(len(text)))
            self._frames.append(text)
            self._bytes += len(text)
            self._changed.notify_all()

    async def end(self) -> None:
        """Nothing follows what is in it."""
        async with self._changed:
            self._ended = True
            self._changed.notify_all()

    async def get(self) -> str | None:
        """The next frame; None when there will be no other."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._frames or self._ended)
            if not self._frames:
                return None
            text = self._frames.popleft()
            self._bytes -= len(text)
            self._changed.notify_all()
            return text

    def _has_room(self, size: int) -> bool:
        return not self._frames or (
            len(self._frames) < self._max_frames and self._bytes + size <= self._max_bytes
        )
