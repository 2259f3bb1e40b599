"""What a session's user may want to see again: its changes, its plan, what it cost.

A view that passes everything on to another one and keeps the facts; draws nothing.
"""

from collections import deque

import msgspec

from executor.view.port import Answer, CallFinished, Question, RunSummary, Shown, View
from protocol.from_maestro import PlanUpdated
from protocol.wire import PlanStep, Usage

_DIFFS_MAX = 200
"""Diffs that are kept, the latest ones."""


class Minutes:
    def __init__(self, view: View) -> None:
        self._view = view
        self.diffs: deque[CallFinished] = deque(maxlen=_DIFFS_MAX)
        self.plan: tuple[PlanStep, ...] = ()
        self.usage = Usage()
        """Of all runs that have ended; the cost is None where one was not known."""
        self.runs = 0
        self.seconds = 0.0

    def show(self, shown: Shown) -> None:
        match shown:
            case CallFinished(diff=str()):
                self.diffs.append(shown)
            case PlanUpdated(steps=steps):
                self.plan = steps
            case RunSummary(usage=usage, seconds=seconds):
                self.usage = usage if self.runs == 0 else _sum(self.usage, usage)
                self.runs += 1
                self.seconds += seconds
            case _:
                pass
        self._view.show(shown)

    async def ask(self, question: Question, /) -> Answer:
        return await self._view.ask(question)

    def close(self) -> None:
        self._view.close()


def _sum(one: Usage, other: Usage) -> Usage:
    known = one.cost_usd is not None and other.cost_usd is not None
    cost = (one.cost_usd or 0.0) + (other.cost_usd or 0.0) if known else None
    counted = msgspec.structs.asdict(other)
    tokens = {
        name: value + counted[name]
        for name, value in msgspec.structs.asdict(one).items()
        if name != "cost_usd"
    }
    return Usage(**tokens, cost_usd=cost)
