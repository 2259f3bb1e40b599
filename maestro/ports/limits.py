"""The Limits port: what one person, address or token may have and send, over all maestros.

Interface and the values that cross it. What costs money is not counted here but in the ledger.
"""

from collections.abc import Mapping
from typing import Literal, Protocol

import msgspec

Counted = Literal["failures", "sessions", "bytes", "requests"]


class Quotas(msgspec.Struct, frozen=True):
    """Bounds for each `who`; None: no bound."""

    sockets: int | None = None
    """Open at once, event streams among them."""
    sessions: int | None = None
    """Opened in an hour."""
    bytes: int | None = None
    """Received from executors in a minute."""
    failures: int | None = None
    """Attempts to come in that failed, in a minute."""
    requests: int | None = None
    """Made in a minute, and connections opened."""

    def window(self, counted: Counted) -> tuple[int | None, float]:
        """The bound, and the seconds that it is for."""
        match counted:
            case "failures":
                return self.failures, 60.0
            case "sessions":
                return self.sessions, 3600.0
            case "bytes":
                return self.bytes, 60.0
            case "requests":
                return self.requests, 60.0


UNLIMITED = Quotas()


class Limited(msgspec.Struct, frozen=True):
    """There is no room."""

    what: Literal["failures", "sessions", "bytes", "requests", "sockets"]
    bound: int
    retry_after: float
    """Seconds."""


class Limits(Protocol):
    """Counters that forget: a flush of what holds them costs accuracy, never money.

    No method raises for an outage: each process then counts for itself. `who` and `holder` match
    `[A-Za-z0-9_-]{1,32}`.
    """

    async def spend(self, counted: Counted, who: str, amount: int = 1) -> Limited | None:
        """Count `amount`; Limited when that is more than the bound."""
        ...

    async def look(self, counted: Counted, who: str) -> Limited | None:
        """Limited when the bound is reached; counts nothing."""
        ...

    async def hold(self, who: str, holder: str) -> Limited | None:
        """Take one of the sockets of `who` until `let_go`, or 45 s after the last `keep`."""
        ...

    async def keep(self, held: Mapping[str, str]) -> None:
        """All of {holder: who} are still there."""
        ...

    async def let_go(self, who: str, holder: str) -> None: ...

    async def close(self) -> None: ...
