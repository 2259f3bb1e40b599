"""The Accounts port over either database.

Tokens are random and long, so their plain SHA-256 is stored; none is ever logged or read back.
"""

import hashlib
import secrets

from maestro.errors import AccountExists
from maestro.ledger.database import Database
from maestro.ledger.rows import name as stored_name
from maestro.ports import Account

_PREFIX = "cg_"
"""Lets a secret scanner know a token when it meets one."""


class SqlAccounts:
    """Implements `maestro.ports.Accounts`. An account's owner is a random id, never its name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def authenticate(self, token: str) -> Account | None:
        """None for a token that is unknown, expired or revoked."""
        rows = await self._database.read("authenticate", _hash(token))
        return Account(rows[0]["owner"], rows[0]["name"]) if rows else None

    async def create(self, name: str) -> str:
        """The token of a fresh account, shown this once; AccountExists when the name is taken."""
        token = _PREFIX + secrets.token_urlsafe(32)
        made = await self._database.run(
            "create_account", secrets.token_hex(16), stored_name(name), _hash(token)
        )
        # The token also knows an earlier try of this very call, whose outcome was not known.
        if made or await self.authenticate(token):
            return token
        raise AccountExists(f"there is an account named {name!r}")

    async def any(self) -> bool:
        return bool(await self._database.read("any_account"))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
