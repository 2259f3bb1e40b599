"""A call's output on its way to the maestro while the call runs.

Best effort: what comes too fast, or of a call that ends soon, is not sent. The result has it.
"""

import asyncio
from typing import Literal

from executor.link import Link
from protocol.from_executor import ToolOutputDelta

DELTA_CHARACTERS = 16 * 1024
BACKLOG_BYTES = 256 * 1024
"""With so much waiting to be sent, live output is dropped."""
SOON_SECONDS = 0.02
"""Output is held back for so long at first: most commands end before anybody could have read it,
and each piece costs the maestro as much as the result itself."""

Stream = Literal["stdout", "stderr"]


class LiveOutput:
    """Of one call."""

    def __init__(self, tool_id: str, link: Link) -> None:
        self._tool_id = tool_id
        self._link = link
        self._held: list[tuple[Stream, str]] = []
        self._size = 0
        self._sent = 0
        self._flows = False
        self._timer: asyncio.TimerHandle | None = None

    def feed(self, stream: Stream, text: str) -> None:
        self._held.append((stream, text))
        self._size += len(text)
        if self._flows or self._size > DELTA_CHARACTERS:
            self._flow()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SOON_SECONDS, self._flow)

    def close(self) -> None:
        """The result is about to be sent."""
        if self._timer is not None:
            self._timer.cancel()
        self._held.clear()

    def _flow(self) -> None:
        self._flows = True
        for stream, text in self._held:
            for start in range(0, len(text), DELTA_CHARACTERS):
                index, self._sent = self._sent, self._sent + 1
                if self._link.attached and self._link.waiting_bytes < BACKLOG_BYTES:
                    part = text[start : start + DELTA_CHARACTERS]
                    self._link.send(ToolOutputDelta(self._tool_id, index, stream, part))
        self._held.clear()
        self._size = 0
