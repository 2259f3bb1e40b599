"""What the ledger needs of a database; SQLite and PostgreSQL are the two that give it.

Knows the names of queries, not their text.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import msgspec

from maestro.ledger.draft import Change
from maestro.ledger.rows import Before, Row
from maestro.ports import Claim

Argument = str | int | float | None

LEASE_SECONDS = 8.0

TRIES = 50
"""A try of an append fails only because another one of the same session came between."""

_Outcome = TypeVar("_Outcome")


class Look(msgspec.Struct, frozen=True, array_like=True):
    """What an append reads first: the arguments of the query `before`, in its order."""

    session_id: str
    owner: str | None
    """None: whoever owns it."""
    key: str
    tool_ids: str | None
    """JSON array of the calls that the append names; None: all that are not closed."""


class NewSession(msgspec.Struct, frozen=True):
    """A row of `sessions` that holds nothing yet: head and epoch 0, detached."""

    session_id: str
    owner: str
    handshake_id: str | None
    title: str


class Committed(msgspec.Struct, frozen=True):
    change: Change
    claim: Claim | None = None
    """Taken in the same transaction, where the change has a claimant and nothing stood against it.
    """


class Database(Protocol):
    """One database. Every method raises LedgerUnavailable when it is away.

    A cancelled call has done all of its statement or nothing, and spoils no connection.
    """

    async def read(self, query: str, *arguments: Argument) -> Sequence[Row]:
        """The rows of one named statement that writes nothing."""
        ...

    async def run(self, query: str, *arguments: Argument) -> Sequence[Row]:
        """The rows that one named statement returns that writes."""
        ...

    async def append(
        self, look: Look, plan: Callable[[Before], Change | _Outcome]
    ) -> Committed | _Outcome | None:
        """Read, plan, and write the change whole where nothing has moved meanwhile, else again.

        What `plan` says instead of a change is handed out; None: no such session. `plan` may run
        in another thread, and more than once.
        """
        ...

    async def commit(self, change: Change) -> Committed | None:
        """Write it whole; None, and nothing written, when the session has moved meanwhile.

        None as well where one of its keys is there already.
        """
        ...

    async def create(self, session: NewSession, opening: Change) -> bool:
        """The session's row, then its first change; False when it (or its handshake) is there."""
        ...

    async def copy(self, session: NewSession, source: str, to_seq: int) -> bool:
        """A detached session with the rows of `source` up to `to_seq`, its calls closed.

        False when it (or its handshake) is there already, or no `source` is.
        """
        ...

    async def check(self) -> None:
        """Raise LedgerUnavailable, saying what is missing, unless it can serve."""
        ...

    async def close(self) -> None: ...
