"""The Ledger port whole, over either database.

Assembles; each part is in its own module.
"""

from maestro.ledger.accounts import SqlAccounts
from maestro.ledger.branches import Branches
from maestro.ledger.database import Database
from maestro.ledger.sessions import Claims, Presence, Sessions


class SqlLedger(Branches, Sessions, Claims, Presence):
    """Implements `maestro.ports.Ledger`; `accounts` lives in the same database."""

    def __init__(self, database: Database) -> None:
        Branches.__init__(self, database)
        self.accounts = SqlAccounts(database)

    async def check(self) -> None:
        await self._database.check()

    async def close(self) -> None:
        await self._database.close()
