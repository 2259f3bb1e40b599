"""The Accounts port: people, and the keys by which they come in.

Interface and the values that cross it.
"""

from typing import Protocol

import msgspec


class Account(msgspec.Struct, frozen=True):
    owner: str
    name: str


class Accounts(Protocol):
    """Who may come in. Tokens are stored hashed."""

    async def authenticate(self, token: str) -> Account | None: ...

    async def create(self, name: str) -> str:
        """Make an account with a fresh token, which is returned once."""
        ...

    async def any(self) -> bool: ...
