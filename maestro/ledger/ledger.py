"""The Ledger port whole, over either database.

Assembles; each part is in its own module.
"""

from maestro.ledger.accounts import SqlAccounts
from maestro.ledger.branches import Branches
from maestro.ledger.database import Database
from maestro.ledger.sessions import Claims, Presence, Sessions
from maestro.ports import UNBOUNDED, Allowance, Claim, Exhausted


class SqlLedger(Branches, Sessions, Claims, Presence):
    """Implements `maestro.ports.Ledger`; `accounts` lives in the same database."""

    def __init__(self, database: Database) -> None:
        Branches.__init__(self, database)
        self.accounts = SqlAccounts(database)

    async def claim(
        self, session_id: str, worker: str, decision: int, allowance: Allowance = UNBOUNDED
    ) -> Claim | Exhausted | None:
        claim = await super().claim(session_id, worker, decision, allowance)
        if isinstance(claim, Claim):
            self._left.claimed(claim)
        return claim

    async def reattempt(self, claim: Claim) -> Claim | None:
        again = await super().reattempt(claim)
        if again is not None:
            self._left.claimed(again)
        return again

    async def rest(self, session_id: str, head: int, due_at: float | None) -> bool:
        is_set = await super().rest(session_id, head, due_at)
        if is_set:
            self._left.rested(session_id, head, due_at)
        return is_set

    async def check(self) -> None:
        await self._database.check()

    async def close(self) -> None:
        await self._database.close()
