"""A connection that writes: dropped when its peer takes too little of what was written.

Knows no protocol. uvicorn itself would wait for as long as the peer likes.
"""

import asyncio

UNREAD_SECONDS = 30.0
"""Between two looks at what a peer has left unread."""
PROGRESS_BYTES = 32 * 1024
"""Read between two looks, it is a slow peer; less, and it is none."""


class Unread:
    """One connection's. `look` whenever something may stay unread; it ends by itself."""

    def __init__(self, transport: asyncio.Transport, seconds: float = UNREAD_SECONDS) -> None:
        self._transport = transport
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._before = 0

    def look(self) -> None:
        """From here on, until the peer has read everything."""
        self._before = self._transport.get_write_buffer_size()
        if self._before and self._timer is None:
            self._timer = self._loop.call_later(self._seconds, self._look)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        left = self._transport.get_write_buffer_size()
        is_slow = left > self._before - PROGRESS_BYTES
        if left and (is_slow or self._transport.is_closing()):
            self._transport.abort()
        else:
            self.look()
