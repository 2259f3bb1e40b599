"""The Accounts port: people, and the keys by which they come in.

Interface and the values that cross it.
"""

from collections.abc import Collection, Sequence
from typing import Protocol

import msgspec


class Account(msgspec.Struct, frozen=True):
    """Who somebody is, and by which key they came in."""

    owner: str
    name: str
    key_id: str | None = None
    """None: no key of a person's own; nothing of it can be revoked."""


class Key(msgspec.Struct, frozen=True):
    """What may be shown of a key. Times are Unix seconds."""

    key_id: str
    name: str
    """The person's."""
    created_at: float
    expires_at: float | None
    revoked_at: float | None
    now: float
    """The database's clock at the read."""

    @property
    def valid(self) -> bool:
        return all(end is None or end > self.now for end in (self.expires_at, self.revoked_at))


class Accounts(Protocol):
    """Who may come in. Tokens are stored hashed; every method raises LedgerUnavailable."""

    async def authenticate(self, token: str) -> Account | None:
        """None for a token that is unknown, expired or revoked."""
        ...

    async def create(
        self, name: str, *, expires_seconds: float | None = None, another: bool = False
    ) -> str:
        """Make an account with a fresh token, which is returned once.

        AccountExists when the name is taken; with `another` it gets one more token, or
        NoSuchAccount is raised.
        """
        ...

    async def keys(self, limit: int = 1000) -> Sequence[Key]:
        """All keys, those of one person together, at most `limit`."""
        ...

    async def revoke(self, key_id: str) -> bool:
        """From here on the key lets nobody in. False: there is no such key."""
        ...

    async def valid(self, key_ids: Collection[str]) -> frozenset[str]:
        """Those of `key_ids` that still let somebody in."""
        ...

    async def any(self) -> bool: ...
