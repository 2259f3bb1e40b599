"""The values that cross the Ledger port: rows that were read, and what came of an append.

Data only.
"""

from typing import Literal

import msgspec

from maestro.domain.events import StoredEvent


class SessionRow(msgspec.Struct, frozen=True):
    """A session's row, read in the same snapshot as its events."""

    session_id: str
    owner: str
    head: int
    """The highest seq."""
    decision: int
    """Raised by each decision append and by Interrupted."""
    attempt: int
    """Raised by each claim and each retry of a broken stream; 0 after a decision."""
    lost: int
    """Claims in a row that ran out instead of being freed; 0 after a decision."""
    open_calls: int
    epoch: int
    journal_id: str | None
    attached: bool
    """An executor of this epoch is attached, as far as the ledger knows."""
    seen_ago: float
    """Seconds since an edge last saw the executor."""
    due_at: float | None
    """Unix seconds; None waits for a fact."""
    now: float
    """The database's clock at the read: Unix seconds."""


class Loaded(msgspec.Struct, frozen=True):
    row: SessionRow
    events: tuple[StoredEvent, ...]
    """In seq order, above the seq that was asked for; capped: more when the last < row.head."""


class Claim(msgspec.Struct, frozen=True):
    """The right to make one generation until `lease_until`; `decision` and `attempt` fence it."""

    session_id: str
    worker: str
    decision: int
    attempt: int
    lost: int


class Allowance(msgspec.Struct, frozen=True):
    """What all runs of one person may cost together; None: no bound."""

    generations: int | None = None
    """At once."""
    tokens_a_day: int | None = None
    """Input and output, of a day in UTC."""


UNBOUNDED = Allowance()


class Claimant(msgspec.Struct, frozen=True):
    """Who would claim a session at once if it had to be stepped."""

    worker: str
    allowance: Allowance = UNBOUNDED


class Appended(msgspec.Struct, frozen=True):
    """Committed: by this call, or by an earlier one with the same key and content."""

    seq: int
    """Of the first row."""
    head: int
    """More than one's own last row means that others wrote in between: step again."""
    again: bool = False
    """True: nothing was written, the same had been accepted before."""
    written: Loaded | None = None
    """The rows of this append and the session's row as it left it; None when `again`."""
    claim: Claim | None = None
    """Taken in the same commit, for the claimant that was named."""


class Refused(msgspec.Struct, frozen=True):
    """Nothing was written."""

    why: Literal[
        "gone",  # no such session for this owner
        "stale_epoch",  # another attachment is the valid one
        "unknown_call",  # the session never issued this tool_id, or with another generation_id
        "voided",  # a decision's counter or attempt has moved
        "conflict",  # the key was there with other content: the first stays
    ]


class Opened(msgspec.Struct, frozen=True):
    session_id: str
    epoch: int
    head: int
    again: bool
    """The same owner and handshake id had opened it before: this was an attach with last_seq 0."""


class Attached(msgspec.Struct, frozen=True):
    session_id: str
    epoch: int
    head: int


class AttachRefused(msgspec.Struct, frozen=True):
    why: Literal["gone", "already_attached", "unknown_seq"]


class Branched(msgspec.Struct, frozen=True):
    """A conversation that was taken back, or branched off: now, or by an earlier try."""

    session_id: str
    at_seq: int
    """Where its last turn ends; 0: nothing was said yet."""
    head: int


class BranchRefused(msgspec.Struct, frozen=True):
    why: Literal["gone", "run_open"]


class Exhausted(msgspec.Struct, frozen=True):
    """The person's allowance leaves no room for another generation."""

    why: Literal["generations", "tokens"]
    again_at: float
    """Unix seconds: before that it is no use to ask."""


class SessionSummary(msgspec.Struct, frozen=True):
    session_id: str
    title: str
    """The first words of the first prompt."""
    status: str
    created_at: float
    updated_at: float
    head: int
    attached: bool
