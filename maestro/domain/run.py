"""One run: from a user message to its end. Its name, what it used up, and its clock.

Counts only; what is too much is for `safeguards` to say.
"""

from collections import deque

from maestro.domain.dialogue import Trace
from protocol.wire import Usage

TRACES = 12
"""Exchanges that are kept in mind to see a loop."""

PARKED = "parked"


def run_id(number: int) -> str:
    """The name of a session's run, counted from 1."""
    return f"run-{number:06d}"


def generation_id(run: int, decision: int, attempt: int) -> str:
    """Later generations of a session compare as greater strings."""
    return f"{run:06d}-{decision:08d}-{attempt:04d}"


def total_usage(first: Usage, second: Usage) -> Usage:
    """The sum; a cost that is not known counts as nothing, two of them stay unknown."""
    costs = [cost for cost in (first.cost_usd, second.cost_usd) if cost is not None]
    return Usage(
        input_tokens=first.input_tokens + second.input_tokens,
        cached_tokens=first.cached_tokens + second.cached_tokens,
        output_tokens=first.output_tokens + second.output_tokens,
        reasoning_tokens=first.reasoning_tokens + second.reasoning_tokens,
        cost_usd=sum(costs) if costs else None,
    )


class Clock:
    """The run's own time: it stands still while a human is asked and while the run is parked."""

    def __init__(self, started_at: float) -> None:
        self._started_at = started_at
        self._stood_still = 0.0
        self._since: float | None = None
        self._reasons: set[str] = set()

    @property
    def stands_still(self) -> bool:
        return self._since is not None

    def stop(self, reason: str, at: float) -> None:
        self._reasons.add(reason)
        if self._since is None:
            self._since = at

    def go_on(self, reason: str, at: float) -> None:
        """`reason` is gone; the clock runs again when no other is left."""
        self._reasons.discard(reason)
        if not self._reasons and self._since is not None:
            self._stood_still += max(0.0, at - self._since)
            self._since = None

    def stop_asking(self, at: float) -> None:
        """Nobody is asked any more: the executor is gone."""
        for reason in self._reasons - {PARKED}:
            self.go_on(reason, at)

    def seconds(self, now: float) -> float:
        until = now if self._since is None else self._since
        return max(0.0, until - self._started_at - self._stood_still)


class Run:
    """The counters of the run that is open."""

    def __init__(self, number: int, started_at: float) -> None:
        self.number = number
        self.steps = 0
        """Generations."""
        self.usage = Usage()
        self.clock = Clock(started_at)
        self.traces: deque[Trace] = deque(maxlen=TRACES)
        """Of the exchanges before the one that is under way."""

    def spend(self, usage: Usage) -> None:
        self.usage = total_usage(self.usage, usage)
