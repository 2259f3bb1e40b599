"""Follow one session from a seq on: the ledger's rows without a gap, then live, as frames.

The cursor is the only state that matters: whatever the bus loses, the ledger gives again. Knows no
socket.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import assert_never

from maestro.domain.events import ExecutorAttached, StoredEvent, ToolAsked
from maestro.domain.frames import frame, status_after
from maestro.edge.patience import until_available
from maestro.errors import LedgerUnavailable
from maestro.ports import HeadMoved, Ledger, Live, Loaded, Nudge, Overflowed, Subscription
from protocol.from_executor import ToolOutputDelta
from protocol.from_maestro import FromMaestro, StatusChanged
from protocol.wire import Frame

PAGE = 500
"""Rows of one read; what a slow peer makes us hold at most."""


@dataclass(frozen=True)
class Watching:
    """Every row, and all live text."""


@dataclass(frozen=True)
class Executing:
    """The executor's own rows, as long as its epoch is the session's."""

    epoch: int
    resumed_at: int | None = None
    """The head at a resume: calls asked until then are not projected but, if open, sent once."""


View = Watching | Executing


class SessionGone(Exception):
    """The session was deleted, or never was this owner's."""


class TakenOver(Exception):
    """Another attachment has a higher epoch."""


class Follower:
    """One reader of one session."""

    def __init__(
        self, ledger: Ledger, owner: str, session_id: str, subscription: Subscription, view: View
    ) -> None:
        """`subscription` is entered before the first read, so that nothing falls between."""
        self._ledger = ledger
        self._owner = owner
        self._session_id = session_id
        self._subscription = subscription
        self._view: View = view
        self._status = self._shown = StatusChanged("idle")
        self._stopped = self._at_once = False
        self.cursor = 0
        """The highest seq that was yielded or passed over."""

    def stop(self, *, at_once: bool = False) -> None:
        """End `frames` after what it has read; `at_once`: after the one that it is yielding."""
        self._stopped, self._at_once = True, at_once
        self._subscription.wake(self.cursor)

    def seen(self, head: int) -> None:
        """The ledger's poll found this head: read what the bus may have lost."""
        if head > self.cursor:
            self._subscription.wake(head)

    async def frames(
        self, after: int, *, idle_seconds: float | None = None
    ) -> AsyncGenerator[Frame[FromMaestro] | None]:
        """Durable frames above `after` in the order of their seq, live ones as they come.

        None once in `idle_seconds` without anything. Waits while the ledger is away. Raises
        SessionGone and TakenOver.
        """
        self.cursor = after
        nudges = aiter(self._subscription)
        behind, opened = True, False
        while not self._stopped:
            found: Sequence[Frame[FromMaestro] | None]
            try:
                if behind:
                    found, behind = await self._page()
                elif not opened:
                    found, opened = await self._open_calls(), True
                else:
                    found, behind = await self._next(nudges, idle_seconds)
            except LedgerUnavailable:
                return  # stopped while the ledger is away
            for each in found:
                if self._at_once:
                    return
                yield each

    async def _page(self) -> tuple[list[Frame[FromMaestro]], bool]:
        """The next rows of the ledger as frames, and whether there are more."""
        loaded = await until_available(self._load, stopped=lambda: self._stopped)
        if loaded is None:
            raise SessionGone
        if isinstance(self._view, Executing) and loaded.row.epoch > self._view.epoch:
            raise TakenOver
        found = list(self._from_rows(loaded.events))
        return found, bool(loaded.events) and self.cursor < loaded.row.head

    async def _load(self) -> Loaded | None:
        return await self._ledger.load(
            self._session_id, after=self.cursor, owner=self._owner, limit=PAGE
        )

    async def _open_calls(self) -> list[Frame[FromMaestro]]:
        """On a resume: what is open once more, each call with its first seq."""
        if not isinstance(self._view, Executing) or self._view.resumed_at is None:
            return []
        head = self._view.resumed_at
        rows = await until_available(
            lambda: self._ledger.open_calls(self._session_id), stopped=lambda: self._stopped
        )
        projected = (frame(row, "executor") for row in rows if row.seq <= head)
        return [each for each in projected if each is not None]

    async def _next(
        self, nudges: AsyncIterator[Nudge], idle_seconds: float | None
    ) -> tuple[list[Frame[FromMaestro] | None], bool]:
        """What one nudge brings, and whether the ledger holds more than it brought."""
        try:
            if idle_seconds is None:
                nudge = await anext(nudges)
            else:
                async with asyncio.timeout(idle_seconds):
                    nudge = await anext(nudges)
        except TimeoutError:
            return [None], False
        match nudge:
            case Live(message=message):
                return [Frame(message)] if self._shows(message) else [], False
            case HeadMoved(head=head, rows=rows):
                return list(self._from_rows(rows)), head > self.cursor
            case Overflowed():
                return [], True
            case _:
                assert_never(nudge)

    def _shows(self, message: FromMaestro) -> bool:
        if isinstance(message, StatusChanged):
            self._status = self._shown = message
        return isinstance(self._view, Watching) or not isinstance(message, ToolOutputDelta)

    def _from_rows(self, rows: tuple[StoredEvent, ...]) -> Iterator[Frame[FromMaestro]]:
        """The frames of the rows that come next, and the status that they lead to."""
        for row in rows:
            if row.seq != self.cursor + 1:
                continue
            if self._ends_at(row):
                raise TakenOver
            self.cursor = row.seq
            self._status = status_after(self._status, row)
            projected = self._projected(row)
            if projected is not None:
                yield projected
        if rows and self._status != self._shown:
            self._shown = self._status
            yield Frame(self._status)

    def _ends_at(self, row: StoredEvent) -> bool:
        match self._view, row.event:
            case Executing(epoch=ours), ExecutorAttached(epoch=theirs):
                return theirs > ours
            case _:
                return False

    def _projected(self, row: StoredEvent) -> Frame[FromMaestro] | None:
        match self._view:
            case Watching():
                return frame(row, "watcher")
            case Executing(resumed_at=head):
                if isinstance(row.event, ToolAsked) and head is not None and row.seq <= head:
                    return None
                return frame(row, "executor")
            case _:
                assert_never(self._view)
