"""When a run has had enough: its limits, and the ways in which a model runs in circles.

Pure; says why and nothing more, ending the run is `decision`'s business.
"""

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from maestro.domain.dialogue import Trace
from maestro.domain.run import Run
from protocol.from_executor import RunLimits
from protocol.from_maestro import EndReason
from protocol.wire import Usage

SAME_CALLS = 4
ALTERNATING_PAIRS = 6
SAME_TEXTS = 8
"""Replies in a row; a short "next file" may well be said a few times."""
REFUSED_REPLIES = 3
"""Replies in a row whose calls the maestro had to turn down, all of them."""
POOR_REPLIES = 2
"""The first empty or cut reply is answered with a nudge, the second ends the run."""


Number = TypeVar("Number", int, float)


class Limits(msgspec.Struct, frozen=True):
    """What one run may use up; None is without end."""

    max_steps: int = 100
    """Generations."""
    max_seconds: float = 3600.0
    """Of the run's own time: while a human is asked the clock stands still."""
    max_tokens: int | None = None
    """Input and output of all generations."""
    max_cost: float | None = None
    """US dollars."""

    def tightened(self, wished: RunLimits | None) -> "Limits":
        """These limits, or the wished ones where they are lower."""
        if wished is None:
            return self
        return Limits(
            max_steps=min(self.max_steps, wished.max_steps or self.max_steps),
            max_seconds=min(self.max_seconds, wished.max_seconds or self.max_seconds),
            max_tokens=_lower(self.max_tokens, wished.max_tokens),
            max_cost=_lower(self.max_cost, wished.max_cost),
        )


class Tripped(msgspec.Struct, frozen=True):
    reason: EndReason
    summary: str


def out_of_time(run: Run, limits: Limits, now: float) -> Tripped | None:
    """Asked at any moment, also while calls are open."""
    if run.clock.seconds(now) < limits.max_seconds:
        return None
    return Tripped("max_seconds", f"The run took its {limits.max_seconds:g} seconds.")


def time_is_up_at(run: Run, limits: Limits, now: float) -> float | None:
    """The Unix time at which `out_of_time` will trip; None while the clock stands still."""
    if run.clock.stands_still:
        return None
    return now + limits.max_seconds - run.clock.seconds(now)


def enough(run: Run, traces: Sequence[Trace], limits: Limits) -> Tripped | None:
    """Asked where the next generation would be made."""
    return _bad_habit(traces) or _used_up(run, limits)


def _bad_habit(traces: Sequence[Trace]) -> Tripped | None:
    if len(traces) >= POOR_REPLIES and all(trace.poor for trace in traces[-POOR_REPLIES:]):
        return Tripped("model_error", "The model answered nothing, or only half, twice in a row.")
    if len(traces) >= REFUSED_REPLIES and all(t.refused for t in traces[-REFUSED_REPLIES:]):
        return Tripped(
            "tool_protocol",
            f"The model made no valid tool call in {REFUSED_REPLIES} replies in a row.",
        )
    return _loop(traces)


def _loop(traces: Sequence[Trace]) -> Tripped | None:
    calls = [call for trace in traces for call in trace.calls]
    if len(calls) >= SAME_CALLS and len(set(calls[-SAME_CALLS:])) == 1:
        return Tripped(
            "loop", f"The model made the same call with the same result {SAME_CALLS} times."
        )
    last = calls[-2 * ALTERNATING_PAIRS :]
    if len(last) == 2 * ALTERNATING_PAIRS and len({*last[::2]}) == len({*last[1::2]}) == 1:
        return Tripped("loop", f"The model made the same two calls {ALTERNATING_PAIRS} times.")
    texts = [trace.text for trace in traces[-SAME_TEXTS:]]
    if len(texts) == SAME_TEXTS and texts[0] and len(set(texts)) == 1:
        return Tripped("loop", f"The model said the same {SAME_TEXTS} times.")
    return None


def _used_up(run: Run, limits: Limits) -> Tripped | None:
    tokens = _tokens(run.usage)
    cost = run.usage.cost_usd
    if run.steps >= limits.max_steps:
        return Tripped("max_steps", f"The run took its {limits.max_steps} steps.")
    if limits.max_tokens is not None and tokens >= limits.max_tokens:
        return Tripped(
            "max_tokens", f"The run used {tokens} tokens; its limit is {limits.max_tokens}."
        )
    if limits.max_cost is not None and cost is not None and cost >= limits.max_cost:
        return Tripped("max_cost", f"The run cost ${cost:.4f}; its limit is ${limits.max_cost:g}.")
    return None


def _tokens(usage: Usage) -> int:
    return usage.input_tokens + usage.output_tokens


def _lower(ours: Number | None, wished: Number | None) -> Number | None:
    return min((limit for limit in (ours, wished) if limit is not None), default=None)
