"""A session as a worker holds it: its fold, its planner, and the generation that it is making.

A cache of the ledger: dropping it costs a cold fold and nothing else.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Container, Mapping
from dataclasses import dataclass

from maestro.domain.events import StoredEvent
from maestro.domain.transcript import Transcript
from maestro.planning.planner import Planner
from maestro.ports import Claim, Loaded, SessionRow

_TOLD = 64
"""Appends that wait to be folded; with more, reading the ledger is as good."""
_FRESH_SECONDS = 0.5


@dataclass(slots=True)
class Attempt:
    """The generation that is being made; another task of the loop may stop it."""

    decision: int
    """The session's counter when it was begun."""
    scope: asyncio.Timeout
    claim: Claim | None = None
    """None before it is claimed."""
    is_changing: bool = False
    """While one attempt makes room for the next, the row may be ahead of `claim`."""
    is_over: bool = False

    def has_moved(self, decision: int, attempt: int) -> bool:
        """Whether a row with these counters has left this generation behind.

        The counters only rise: a row that was read before the claim is behind, and says nothing.
        """
        if self.claim is None or self.is_changing:
            return decision > self.decision
        return (decision, attempt) > (self.claim.decision, self.claim.attempt)

    def stop(self) -> None:
        if not self.is_over and not self.scope.expired():
            self.scope.reschedule(0.0)


class HeldSession:
    def __init__(self, session_id: str, default_model: str) -> None:
        self.session_id = session_id
        self.transcript = Transcript()
        self.planner = Planner(session_id, self.transcript, default_model)
        self.attempt: Attempt | None = None
        self.unannounced: int | None = None
        """The first seq that this worker wrote and has not told the bus of."""
        self.stirred = asyncio.Event()
        """Something happened since the step that is being made began."""
        self._told: list[tuple[float, Loaded]] = []
        self._claim: Claim | None = None

    def tell(self, written: Loaded, claim: Claim | None = None) -> None:
        """What an append of this process left, so that the next step need not read it.

        `claim`: what it took for the generation that follows.
        """
        self._claim = claim or self._claim
        if len(self._told) == _TOLD:
            self._told.clear()
        self._told.append((time.monotonic(), written))

    def take_claim(self, row: SessionRow) -> Claim | None:
        """The claim that `row` shows: to be used, or given back, by whoever takes it.

        One that came since `row` was read is left to the step that will see it.
        """
        claim, now = self._claim, (row.decision, row.attempt)
        if claim is None or now < (claim.decision, claim.attempt):
            return None
        self._claim = None
        return claim if now == (claim.decision, claim.attempt) else None

    def fold_told(self) -> tuple[SessionRow | None, list[StoredEvent]]:
        """Fold what was told: the row as it is since then, and the events that were new.

        No row where nothing was told, or what was told has a gap or is not fresh: the ledger has
        to be read. The row's clock decides what is due, so it may not stand still.
        """
        told, self._told = sorted(self._told, key=_head), []
        row: SessionRow | None = None
        news: list[StoredEvent] = []
        for at, written in told:
            known = self.transcript.seq
            fresh = tuple(event for event in written.events if event.seq > known)
            if fresh and fresh[0].seq == known + 1:
                self.transcript.fold_all(fresh)
                news += fresh
                row = written.row if time.monotonic() - at < _FRESH_SECONDS else None
        is_whole = row is not None and row.head == self.transcript.seq == _head(told[-1])
        return row if is_whole else None, news


class HeldSessions:
    """Those that one worker holds; the one that was used longest ago is forgotten first."""

    def __init__(self, default_model: str, most_bytes: int) -> None:
        self._default_model = default_model
        self._most_bytes = most_bytes
        self._held: OrderedDict[str, HeldSession] = OrderedDict()
        self._weights: dict[str, int] = {}
        """Of each, as it was weighed last."""
        self.bytes = 0
        """What they take together, roughly."""

    def hold(self, session_id: str) -> HeldSession:
        held = self._held.get(session_id)
        if held is None:
            held = self._held[session_id] = HeldSession(session_id, self._default_model)
        self._held.move_to_end(session_id)
        return held

    def get(self, session_id: str) -> HeldSession | None:
        return self._held.get(session_id)

    def all(self) -> Mapping[str, HeldSession]:
        return self._held

    def drop(self, session_id: str) -> None:
        self._held.pop(session_id, None)
        self.bytes -= self._weights.pop(session_id, 0)

    def weigh(self, session_id: str, is_used: Container[str]) -> None:
        """This one has changed: forget others, or it, where all are too heavy and not `is_used`."""
        held = self._held.get(session_id)
        if held is not None:
            self.bytes += held.transcript.weight - self._weights.get(session_id, 0)
            self._weights[session_id] = held.transcript.weight
        if self.bytes > self._most_bytes:
            for oldest in list(self._held):
                if oldest not in is_used:
                    self.drop(oldest)
                if self.bytes <= self._most_bytes:
                    break


def _head(told: tuple[float, Loaded]) -> int:
    return told[1].row.head
