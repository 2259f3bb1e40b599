"""What waits to be sent on one socket.

A queue that counts its bytes; who fills it decides what to drop.
"""

import asyncio
from collections import deque

from executor.failpoints import hit
from executor.link.socket import Socket


class Outbox:
    """Filled without waiting, emptied by one task."""

    def __init__(self) -> None:
        self._frames: deque[bytes] = deque()
        self._filled = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self.waiting_bytes = 0

    def put(self, frame: bytes) -> None:
        self._frames.append(frame)
        self.waiting_bytes += len(frame)
        self._filled.set()
        self._empty.clear()

    async def drain_into(self, socket: Socket) -> None:
        """Send what comes until cancelled. Raises SocketClosed."""
        while True:
            await self._filled.wait()
            while self._frames:
                frame = self._frames.popleft()
                hit("before_send")
                await socket.send(frame)
                hit("after_send")
                self.waiting_bytes -= len(frame)
            self._filled.clear()
            self._empty.set()

    async def emptied(self) -> None:
        await self._empty.wait()
