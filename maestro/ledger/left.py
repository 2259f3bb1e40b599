"""What the last append of this process left of each session, so that the next need not look first.

A guess that the commit proves: it writes only where head, decision and attempt are still those, and
whatever is kept here moves with one of them, but for the timer and the clock. Bounded.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Collection

import msgspec
from msgspec.structs import replace

from maestro.ledger.database import Committed, Look
from maestro.ledger.rows import Before
from maestro.ports import Claim

KEPT = 2_000
"""Sessions; one takes a kilobyte, and as much for each call that is open."""
FRESH_SECONDS = 60.0
"""So long the database's clock is told from this process's own."""

Clock = Callable[[], float]


class Read(msgspec.Struct, frozen=True):
    """What an append is planned from. Moments are of this process's clock."""

    before: Before
    at: float
    """When the row's `now` was the database's time."""
    looked_at: float
    """When the database itself said so."""


class Left:
    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[str, Read] = OrderedDict()

    def looked(self, before: Before) -> Read:
        """`before` was read just now."""
        now = self._clock()
        return Read(before, at=now, looked_at=now)

    def known(self, look: Look, calls: Collection[str]) -> Read | None:
        """What `look` would find, were it not for others; None: it has to be made.

        `calls`: those that the append answers or moves.
        """
        kept = self._kept.get(look.session_id)
        if kept is None or not kept.before.calls.keys() >= set(calls):
            return None
        now, row = self._clock(), kept.before.row
        if now - kept.looked_at > FRESH_SECONDS or look.owner not in (None, row.owner):
            return None
        row = replace(row, now=row.now + now - kept.at)
        return replace(kept, before=replace(kept.before, row=row), at=now)

    def keep(self, read: Read, committed: Committed) -> None:
        """`committed` was planned from `read`."""
        change = committed.change
        row = change.written.row
        self.forget(row.session_id)
        # Of one that is not attached the last sign of life counts, which others move.
        if not row.attached:
            return
        calls = {} if change.closes_calls else dict(read.before.calls)
        calls.update((call.tool_id, call) for call in change.calls)
        still_open = {name: call for name, call in calls.items() if call.state != "closed"}
        left = Before(row, change.status, None, still_open)
        self._kept[row.session_id] = replace(read, before=left)
        if committed.claim is not None:
            self.claimed(committed.claim)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    def claimed(self, claim: Claim) -> None:
        """A claim moves the row's counters."""
        kept = self._kept.get(claim.session_id)
        if kept is not None and kept.before.row.decision == claim.decision:
            row = replace(kept.before.row, attempt=claim.attempt, lost=claim.lost)
            self._kept[claim.session_id] = replace(kept, before=replace(kept.before, row=row))

    def rested(self, session_id: str, head: int, due_at: float | None) -> None:
        """A step has set the timer."""
        kept = self._kept.get(session_id)
        if kept is not None and kept.before.row.head == head:
            row = replace(kept.before.row, due_at=due_at)
            self._kept[session_id] = replace(kept, before=replace(kept.before, row=row))

    def forget(self, session_id: str) -> None:
        self._kept.pop(session_id, None)
