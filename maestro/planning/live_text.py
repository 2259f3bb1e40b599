"""Live text of one generation on its way to the bus, joined so that it costs little.

The first piece leaves at once, later ones at most every 10 ms, or 40 where many generations
stream at once. What is lost here is in the ledger as soon as the reply is whole.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Self

from maestro.domain.conversation import ReasoningDelta, TextDelta
from maestro.ports import Bus, Live
from protocol.from_maestro import AgentMessageDelta, AgentReasoningDelta
from protocol.strict_json import well_formed

PACE = 0.01
"""Seconds between two pieces of one generation."""
SLOWEST_PACE = 0.04
_PACE_PER_STREAM = 0.0002


def pace_of(streams: int) -> float:
    """Seconds between two pieces of one generation while so many stream: at most 5,000 a second."""
    return min(SLOWEST_PACE, max(PACE, streams * _PACE_PER_STREAM))


_MESSAGES = {TextDelta: AgentMessageDelta, ReasoningDelta: AgentReasoningDelta}
Kind = type[TextDelta] | type[ReasoningDelta]


class LiveText:
    """Entered, it publishes what is added; left without an error, it has published all."""

    def __init__(
        self, bus: Bus, session_id: str, generation_id: str, pace: Callable[[], float]
    ) -> None:
        self._pace = pace
        self._bus = bus
        self._session_id = session_id
        self._pending: deque[tuple[Kind, list[str]]] = deque()
        self._arrived = asyncio.Event()
        self._publishing = asyncio.Lock()
        self._clock = asyncio.get_running_loop().time
        self._due = 0.0
        self.begin(generation_id)

    def begin(self, generation_id: str) -> None:
        """What comes next is of this generation; what was not yet shown of another is dropped."""
        self._generation_id = generation_id
        self._pending.clear()
        self._index: dict[Kind, int] = {TextDelta: 0, ReasoningDelta: 0}

    async def add(self, delta: TextDelta | ReasoningDelta) -> None:
        """Published already when it returns, or soon behind it."""
        kind, text = type(delta), well_formed(delta.text)
        if self._pending and self._pending[-1][0] is kind:
            self._pending[-1][1].append(text)
        else:
            self._pending.append((kind, [text]))
        if self._clock() >= self._due and not self._publishing.locked():
            await self._publish_pending()
        else:
            self._arrived.set()

    async def __aenter__(self) -> Self:
        self._pump = asyncio.create_task(self._keep_publishing())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            await self._publish_pending()
        self._pump.cancel()
        await asyncio.wait({self._pump})

    async def _keep_publishing(self) -> None:
        while True:
            await self._arrived.wait()
            await asyncio.sleep(self._due - self._clock())
            await self._publish_pending()

    async def _publish_pending(self) -> None:
        async with self._publishing:
            self._arrived.clear()
            self._due = self._clock() + self._pace()
            while self._pending:
                kind, texts = self._pending.popleft()
                index = self._index[kind]
                self._index[kind] += 1
                message = _MESSAGES[kind](self._generation_id, "".join(texts), index)
                await self._bus.publish(self._session_id, Live(message))
