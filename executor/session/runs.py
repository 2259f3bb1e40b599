"""The runs of a session, one after the other, for whoever waits for the end of one.

Folds what frames and calls say; sends nothing.
"""

import asyncio

import msgspec

from executor.errors import ExecutorError
from executor.session.outcome import Parked, RunOver
from executor.session.reports import Answered
from executor.session.turn import Turn
from executor.view.port import RunSummary
from protocol.from_maestro import RunFinished, StatusChanged

PARKED_REASONS = frozenset({"rate_limited", "poison"})
"""`status.step` of a run that is parked although its executor is there."""


class Ended(msgspec.Struct, frozen=True):
    """An end to be told."""

    summary: RunSummary
    earlier: bool = False
    """Of a run that nobody here waits for: it ended while no executor was attached."""


class Runs:
    """Knows the run that goes on, or the last one."""

    def __init__(self, *, going: bool, stop_when_parked: bool) -> None:
        """`going`: a run begins with the session. `stop_when_parked`: nobody would wait."""
        self._going = going
        self._stop_when_parked = stop_when_parked
        self._turn = Turn()
        self._over: asyncio.Future[RunOver] = asyncio.get_running_loop().create_future()
        self._said_at = 0
        """The seq of what the user said last; runs that ended below it are earlier ones."""
        self._ended: tuple[int, RunSummary, bool] | None = None
        """The last end that came while words of the user were under way: its seq, and whether its
        run was seen to go on here."""

    def expect(self) -> None:
        """The user has said something: a run follows, or the one that goes on is steered."""
        if self._over.done():
            self._turn = Turn()
            self._over = asyncio.get_running_loop().create_future()

    def speak(self, text: str) -> None:
        self._turn.text = text

    def count(self, answered: Answered) -> None:
        self._turn.count(answered.result)
        self._turn.commands += answered.command
        if answered.denial is not None:
            self._turn.deny(answered.denial)

    def status(self, session_id: str, status: StatusChanged) -> None:
        match status.status:
            case "pending" | "running":
                self._going = True
                self.expect()
            case "waiting" if self._stop_when_parked and status.step in PARKED_REASONS:
                self._settle(Parked(session_id, status.step))
            case _:
                pass

    def heard(self, seq: int | None) -> Ended | None:
        """The ledger holds the user's words, in the row `seq` where the maestro says which.

        Returns the end that was kept back until that was known.
        """
        self._said_at = seq or 0
        kept, self._ended = self._ended, None
        if kept is None:
            return None
        ended_at, summary, is_told = kept
        answers = seq is not None and ended_at > seq
        if answers:
            self._settle(summary)
        return None if is_told else Ended(summary, earlier=not answers)

    def finish(
        self,
        session_id: str,
        model: str,
        finished: RunFinished,
        seq: int | None,
        *,
        words_wait: bool,
        undoable: int = 0,
    ) -> Ended | None:
        """Close the run that ended at `seq`.

        Whether it is the one that is waited for shows only once no words of the user wait: until
        then the end of a run that was not seen to go on here is kept back.
        """
        summary = self._turn.summary(session_id, model, finished, undoable)
        was_going, self._going = self._going, False
        self._turn = Turn()
        if words_wait:
            kept, self._ended = self._ended, (seq or 0, summary, was_going)
            if was_going:
                return Ended(summary)
            return None if kept is None or kept[2] else Ended(kept[1], earlier=True)
        if seq is None or seq > self._said_at:
            self._settle(summary)
            return Ended(summary)
        return Ended(summary, earlier=not was_going)

    def fail(self, error: ExecutorError) -> None:
        """No run will end any more."""
        if not self._over.done():
            self._over.set_exception(error)
            self._over.exception()  # it may well be that nobody waits

    def refuse(self, error: ExecutorError) -> None:
        """What the user said is not taken: no run comes of it. One that goes on is not touched."""
        if not self._going:
            self.fail(error)

    async def over(self) -> RunOver:
        """The end of the run that goes on or comes next, or of the last one."""
        return await asyncio.shield(self._over)

    def _settle(self, over: RunOver) -> None:
        if not self._over.done():
            self._over.set_result(over)
