"""The Bus port: nudges and live text between the processes.

Interface and the values that cross it.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec

from maestro.domain.events import StoredEvent
from protocol.from_executor import ToolOutputDelta
from protocol.from_maestro import (
    AgentMessageDelta,
    AgentReasoningDelta,
    StatusChanged,
)


class HeadMoved(msgspec.Struct, frozen=True, tag="head"):
    """The ledger grew; `rows` holds the events above the previous head when they are small."""

    head: int
    rows: tuple[StoredEvent, ...] = ()


class Live(msgspec.Struct, frozen=True, tag="live"):
    """Something to show now and lose without harm."""

    message: AgentMessageDelta | AgentReasoningDelta | StatusChanged | ToolOutputDelta


class Overflowed(msgspec.Struct, frozen=True, tag="overflowed"):
    """This subscriber was too slow, or the stream had a hole: read the ledger from the cursor."""


Nudge = HeadMoved | Live | Overflowed


class Subscription(Protocol):
    """One session's nudges from the moment of subscribing on; bounded, slow readers overflow."""

    def __aiter__(self) -> AsyncIterator[Nudge]: ...

    def wake(self, head: int) -> None:
        """Put in, as if published, a head that the ledger's poll found; never blocks."""
        ...


class Bus(Protocol):
    """Nudges and live text; may lose anything, holds no truth.

    `publish` and `nudge` never raise and never block for long: what can't be delivered is counted
    and dropped, because the ledger's polls find it.
    """

    async def publish(self, session_id: str, nudge: HeadMoved | Live) -> None: ...

    def subscribe(self, session_id: str) -> AbstractAsyncContextManager[Subscription]:
        """Entered = subscribed: nothing published later is missed (but by loss of the bus)."""
        ...

    async def nudge_work(self, session_id: str) -> None:
        """Some worker should step this session."""
        ...

    def work(self) -> AsyncIterator[str]:
        """Session ids to step, for one worker; each nudge goes to one of them."""
        ...

    async def check(self) -> None:
        """Raise BusUnavailable unless it can serve."""
        ...

    async def close(self) -> None: ...
