"""What the maestro's ports raise; drivers' own errors stop at their adapter.

MaestroError
├── SettingsError          a setting is missing or unreadable; the message says which
│   └── KeyMissing         no key of a model's provider; the message says which variable to set
├── LedgerUnavailable      SQL is away; nothing was accepted, try again
├── NewerEvent             a row that a later version wrote: leave the session to such a worker
├── AccountExists          the name is taken
├── NoSuchAccount          nobody has this name
├── NoSuchKey              no key has this id
├── BusUnavailable         Redis is away; runs go on by the ledger's polls
└── ModelError             the provider failed for good, or named when to come back
"""

from typing import Literal


class MaestroError(Exception):
    """Base of everything that this package raises on purpose."""


class SettingsError(MaestroError):
    """A setting is missing or unreadable."""


class KeyMissing(SettingsError):
    """The key of a model's provider is not set."""


class LedgerUnavailable(MaestroError):
    """The database is away; nothing was accepted."""


class NewerEvent(MaestroError):
    """A later version of this program wrote this session: leave it to such a worker."""


class AccountExists(MaestroError):
    """An account of this name exists."""


class NoSuchAccount(MaestroError):
    """There is no account of this name."""


class NoSuchKey(MaestroError):
    """There is no key of this id."""


class BusUnavailable(MaestroError):
    """The bus is away; nudges and live text are lost, work is not."""


ModelErrorKind = Literal[
    "auth",  # no key or a wrong one
    "not_found",  # the provider knows no such model
    "bad_request",
    "context_length",
    "rate_limited",
    "overloaded",
    "unreachable",
    "broken_stream",
    "empty",
    "refused",
]


class ModelError(MaestroError):
    """The model side failed and retries were of no use.

    `message` holds the provider's own words, capped. `wake_at` (Unix seconds) is set only when a
    rate limit named its end and that end is too far off to wait for within the run.
    """

    def __init__(
        self,
        kind: ModelErrorKind,
        message: str,
        *,
        status: int | None = None,
        retry_after: float | None = None,
        wake_at: float | None = None,
    ) -> None:
        super().__init__(message)
        self.kind: ModelErrorKind = kind
        self.message = message
        self.status = status
        self.retry_after = retry_after
        self.wake_at = wake_at
