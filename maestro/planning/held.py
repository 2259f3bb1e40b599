"""A session as a worker holds it: its fold, its planner, and the generation that it is making.

A cache of the ledger: dropping it costs a cold fold and nothing else.
"""

import asyncio
from dataclasses import dataclass

from maestro.domain.transcript import Transcript
from maestro.planning.planner import Planner
from maestro.ports import Claim


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
