"""Take a session one step further: read, fold, decide, append, nudge.

Stateless but for what it holds in cache: whoever makes the next step finds the same in the ledger.
Knows nothing of when steps are made.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Literal

import msgspec

from maestro.domain.decision import End, Generate, Nothing, Policy, Wait, decide, seconds_left
from maestro.domain.events import AnyEvent, GenerationDropped, RunEnded, StoredEvent
from maestro.errors import LedgerUnavailable
from maestro.failpoints import hit
from maestro.planning.generation import Failed, Generator, Made, Stopped, Taken
from maestro.planning.held import HeldSession
from maestro.planning.outcome import (
    decision_events,
    error_end,
    failure_events,
    parked_until_tomorrow,
)
from maestro.planning.reply import reply_events
from maestro.ports import (
    Appended,
    Bus,
    Claim,
    Exhausted,
    HeadMoved,
    Ledger,
    Live,
    Refused,
    SessionRow,
)
from protocol.from_maestro import StatusChanged

Outcome = Literal["appended", "voided", "gone"]

_PATIENCE = (0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between tries to write a reply that has been paid for."""
_SMALL = 64 * 1024
"""Encoded bytes of rows that still ride along with a nudge."""


class Stepper:
    """Makes the steps of all sessions of one worker."""

    def __init__(
        self,
        ledger: Ledger,
        bus: Bus,
        generator: Generator,
        policy: Policy,
        settle_seconds: float = 0.0,
    ) -> None:
        """`settle_seconds`: how long a step that waits for a fact keeps that to itself."""
        self._ledger = ledger
        self._bus = bus
        self._generator = generator
        self._policy = policy
        self._settle_seconds = settle_seconds

    async def step(self, held: HeldSession) -> bool:
        """One step. True: there is, or may be, more to do at once.

        Raises LedgerUnavailable, NewerEvent; a step that did not end is simply made again.
        """
        row = await self.read(held)
        if row is None:
            return False
        decision = decide(held.transcript, row, self._policy)
        if not isinstance(decision, Generate):
            await self._generator.give_back(held.take_claim(row))
        match decision:
            case Nothing():
                return await self._rest(held, row, None)
            case Wait(due_at):
                return await self._rest(held, row, due_at)
            case Generate():
                return await self._generate(held, row)
            case decided:
                events = decision_events(decided, held.transcript, row)
                basis = decided.basis if isinstance(decided, End) else row.head
                return await self._append(held, events, _counters(row), basis) != "gone"

    async def read(self, held: HeldSession) -> SessionRow | None:
        """Fold what is new, and tell the bus of what this worker wrote. None: no such session."""
        transcript = held.transcript
        row, news = held.fold_told()
        while row is None or transcript.seq < row.head:
            loaded = await self._ledger.load(held.session_id, after=transcript.seq)
            if loaded is None:
                return None
            row = loaded.row
            transcript.fold_all(loaded.events)
            news.extend(loaded.events)
        if held.unannounced is not None:
            rows = tuple(event for event in news if event.seq >= (held.unannounced or 0))
            held.unannounced = None
            nudge = HeadMoved(row.head, rows if _are_small(rows) else ())
            await self._bus.publish(held.session_id, nudge)
        return row

    async def fail(self, held: HeldSession, summary: str) -> None:
        """End the open run as `internal`: its steps can't be made."""
        row = await self.read(held)
        if row is not None and held.transcript.run is not None:
            ended = error_end(held.transcript, "internal", summary, row.head)
            await self._append(held, (ended,), _counters(row), row.head)
            await self.read(held)

    async def _rest(self, held: HeldSession, row: SessionRow, due_at: float | None) -> bool:
        """Set the timer, unless what is waited for comes at once.

        Without it the session stays due, which costs whoever looks a step and nothing else.
        """
        if row.due_at == due_at:
            return False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settle_seconds):
                await held.stirred.wait()
                return True
        return not await self._ledger.rest(row.session_id, row.head, due_at)

    async def _generate(self, held: HeldSession, row: SessionRow) -> bool:
        seconds = seconds_left(held.transcript, row, self._policy)
        generated = await self._generator.generate(held, row, seconds)
        match generated:
            case Made(claim, name, basis, reply):
                hit("llm_done")
                events = reply_events(reply, held.planner.toolbelt, name, basis)
                outcome = await self._append_surely(held, events, claim, basis)
                if outcome == "voided":
                    dropped = GenerationDropped(name, reply.usage)
                    await self._ledger.append_fact(
                        row.owner, held.session_id, f"dropped:{name}", dropped
                    )
            case Failed(claim, name, basis, error):
                events = failure_events(error, held.transcript, name, basis)
                outcome = await self._append_surely(held, events, claim, basis)
            case Stopped():
                return True
            case Taken():
                return False
            case Exhausted():
                return await self._wait_for_allowance(held, row, generated)
        return outcome != "gone"

    async def _wait_for_allowance(
        self, held: HeldSession, row: SessionRow, exhausted: Exhausted
    ) -> bool:
        """A place among the generations is soon free; a day's tokens come back with the next."""
        match exhausted.why:
            case "generations":
                words = "your other runs use all the generations you may have at once"
                status = StatusChanged("running", held.transcript.progress(), words)
                await self._bus.publish(held.session_id, Live(status))
                return await self._rest(held, row, exhausted.again_at)
            case "tokens":
                parked = parked_until_tomorrow(row.head, exhausted.again_at)
                return await self._append(held, (parked,), _counters(row), row.head) != "gone"

    async def _append_surely(
        self, held: HeldSession, events: Sequence[AnyEvent], claim: Claim, basis: int
    ) -> Outcome:
        """The append of what has been paid for: made again while the ledger is away."""
        for delay in _PATIENCE:
            try:
                return await self._append(held, events, claim, basis)
            except LedgerUnavailable:
                await asyncio.sleep(delay)
        return await self._append(held, events, claim, basis)

    async def _append(
        self, held: HeldSession, events: Sequence[AnyEvent], claim: Claim, basis: int
    ) -> Outcome:
        if isinstance(events[-1], RunEnded):
            hit("before_finish")
        match await self._ledger.append_decision(held.session_id, events, claim, basis):
            case Appended(seq=seq, written=written):
                hit("decision_committed")
                held.unannounced = seq
                if written is not None:
                    held.tell(written)
                return "appended"
            case Refused(why="gone"):
                return "gone"
            case Refused():
                return "voided"


def _counters(row: SessionRow) -> Claim:
    """The fence of a decision that takes no lease."""
    return Claim(row.session_id, "", row.decision, row.attempt, row.lost)


def _are_small(rows: Sequence[StoredEvent]) -> bool:
    return sum(len(msgspec.json.encode(row)) for row in rows) <= _SMALL
