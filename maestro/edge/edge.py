"""What all doors of one process share: how a fact is written and told, who is here, how to leave.

Knows no HTTP and no frame.
"""

import asyncio
import time

from maestro.domain.events import Fact, StoredEvent, ToolAnswered
from maestro.edge.dependencies import EdgeDependencies, TokenAuth
from maestro.edge.peers import Peers
from maestro.edge.seats import Seats
from maestro.edge.shares import Shares
from maestro.errors import MaestroError
from maestro.ports import Appended, Claimant, HeadMoved, Refused

BUS_SECONDS = 1.0
"""Between two looks for a bus that is not there yet."""


class Edge:
    """One process's edge. `drain` is for SIGTERM; `pulse` runs as long as the app does."""

    def __init__(self, dependencies: EdgeDependencies) -> None:
        self.dependencies = dependencies
        auth = dependencies.auth
        accounts = auth.accounts if isinstance(auth, TokenAuth) else None
        self.peers = Peers(dependencies.ledger, dependencies.limits, accounts)
        self.seats = Seats(dependencies.quotas)
        self.shares = Shares(dependencies.share)
        self.bus_answered = False
        """Once is enough: an address that is wrong has never answered, and what goes away later is
        done without."""

    async def await_bus(self) -> None:
        """Return when the bus has answered for the first time."""
        while not self.bus_answered:
            try:
                await self.dependencies.bus.check()
                self.bus_answered = True
            except MaestroError:
                await asyncio.sleep(BUS_SECONDS)

    async def append(
        self, owner: str, session_id: str, key: str, event: Fact, *, epoch: int | None = None
    ) -> Appended | Refused:
        """Write one fact; once it is committed, tell who follows and try the step.

        Raises LedgerUnavailable: nothing is known to be written, make the same append again.
        """
        outcome = await self.dependencies.ledger.append_fact(
            owner, session_id, key, event, epoch=epoch, claimant=self._claimant(session_id, event)
        )
        if isinstance(outcome, Appended):  # again or not: the first try may have told nobody
            # The database's clock has the exact time; nothing is decided by this copy's.
            stored = StoredEvent(outcome.seq, key, event, time.time())
            await self.tell(session_id, HeadMoved(outcome.head, (stored,)), outcome)
        return outcome

    async def tell(
        self, session_id: str, moved: HeadMoved, appended: Appended | None = None
    ) -> None:
        """`appended`: what saves the step that follows from reading, and from claiming."""
        await self.dependencies.bus.publish(session_id, moved)
        self.dependencies.step(session_id, appended)

    def _claimant(self, session_id: str, event: Fact) -> Claimant | None:
        """Only a call's answer is claimed with: what else happens may ask for no generation."""
        is_answer = isinstance(event, ToolAnswered)
        return self.dependencies.claimant(session_id) if is_answer else None

    def model_refusal(self, model: str | None) -> str | None:
        """Why a run may not have the model that it wishes for; None when it may, or has no wish."""
        return None if model is None else self.dependencies.model_refusal(model)

    async def pulse(self) -> None:
        await self.peers.pulse(self.seats.keep)

    async def drain(self) -> None:
        """Let nobody in and send everybody elsewhere (1012), so that runs go on at once."""
        await self.peers.drain()
