"""The Accounts port over either database.

Tokens are random and long, so their plain SHA-256 is stored; none is ever logged or read back.
"""

import hashlib
import secrets
from collections.abc import Collection, Sequence

import msgspec

from maestro.errors import AccountExists, NoSuchAccount
from maestro.ledger.database import Database
from maestro.ledger.rows import name as stored_name
from maestro.ports import Account, Key

_PREFIX = "cg_"
"""Lets a secret scanner know a token when it meets one."""


class SqlAccounts:
    """Implements `maestro.ports.Accounts`. An account's owner is a random id, never its name.

    A key's id is the beginning of its token's hash: it tells nothing of the token.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def authenticate(self, token: str) -> Account | None:
        """None for a token that is unknown, expired or revoked."""
        rows = await self._database.read("authenticate", _hash(token))
        return Account(rows[0]["owner"], rows[0]["name"], rows[0]["key_id"]) if rows else None

    async def create(
        self, name: str, *, expires_seconds: float | None = None, another: bool = False
    ) -> str:
        token = _PREFIX + secrets.token_urlsafe(32)
        person, hashed = stored_name(name), _hash(token)
        if another:
            made = await self._database.run("create_key", person, hashed, expires_seconds)
        else:
            owner = secrets.token_hex(16)
            made = await self._database.run(
                "create_account", owner, person, hashed, expires_seconds
            )
        # The token also knows an earlier try of this very call, whose outcome was not known.
        if made or await self.authenticate(token):
            return token
        if another:
            raise NoSuchAccount(f"there is no account named {name!r}")
        raise AccountExists(f"there is an account named {name!r}: --another makes one more key")

    async def keys(self, limit: int = 1000) -> Sequence[Key]:
        rows = await self._database.read("list_keys", limit)
        names = Key.__struct_fields__
        return tuple(Key(**{name: row[name] for name in names}) for row in rows)

    async def revoke(self, key_id: str) -> bool:
        found = await self._database.run("revoke_key", stored_name(key_id))
        for row in found:
            await self._database.run("revoke_first_key", row["token_hash"])
        return bool(found)

    async def valid(self, key_ids: Collection[str]) -> frozenset[str]:
        asked = msgspec.json.encode(sorted(key_ids)).decode()
        rows = await self._database.read("valid_keys", asked)
        return frozenset(row["key_id"] for row in rows)

    async def any(self) -> bool:
        return bool(await self._database.read("any_account"))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
