"""The four seams of the maestro that have more than one real implementation.

Interfaces and the values that cross them; every implementation passes the same contract suite.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Literal, Protocol

import msgspec

from maestro.domain.conversation import ModelRequest, ReplyPart
from maestro.domain.events import (
    AnyEvent,
    Decision,
    ExecutorAttached,
    Fact,
    SessionOpened,
    StoredEvent,
    UserSaid,
)
from protocol.from_executor import ToolOutputDelta
from protocol.from_maestro import (
    AgentMessageDelta,
    AgentReasoningDelta,
    StatusChanged,
)

# Ledger


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


class Appended(msgspec.Struct, frozen=True):
    """Committed: by this call, or by an earlier one with the same key and content."""

    seq: int
    """Of the first row."""
    head: int
    """More than one's own last row means that others wrote in between: step again."""
    again: bool = False
    """True: nothing was written, the same had been accepted before."""


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


class Claim(msgspec.Struct, frozen=True):
    """The right to make one generation until `lease_until`; `decision` and `attempt` fence it."""

    session_id: str
    worker: str
    decision: int
    attempt: int
    lost: int


class SessionSummary(msgspec.Struct, frozen=True):
    session_id: str
    title: str
    """The first words of the first prompt."""
    status: str
    created_at: float
    updated_at: float
    head: int
    attached: bool


class Appends(Protocol):
    """What is written: opening, attaching, facts, decisions."""

    async def open_session(
        self,
        owner: str,
        handshake_id: str | None,
        opened: SessionOpened,
        attached: ExecutorAttached,
        said: UserSaid,
    ) -> Opened | AttachRefused:
        """SessionOpened, ExecutorAttached (epoch 1) and the first UserSaid, in one transaction.

        `(owner, handshake_id)` finds a session opened before, which is then attached instead, by
        the rules of `attach`. The epoch in `attached` is replaced by the real one.
        """
        ...

    async def attach(
        self,
        owner: str,
        session_id: str,
        attached: ExecutorAttached,
        *,
        last_seq: int = 0,
        take_over: bool = False,
    ) -> Attached | AttachRefused:
        """Epoch + 1 and ExecutorAttached.

        The same journal_id attaches at once. Another one (or none) only with `take_over`, or when
        the executor is lost: detached, or unseen for 45 s; then the executor calls that are open
        get a ToolAnswered(interrupted) in the same transaction.
        """
        ...

    async def append_fact(
        self,
        owner: str,
        session_id: str,
        key: str,
        event: Fact,
        *,
        epoch: int | None = None,
    ) -> Appended | Refused:
        """One fact. `epoch` fences those of a socket; None is for REST and the workers' look.

        Sets `due_at` by the design's rules (ToolAnswered, UserSaid: now only if no call is open;
        Interrupted, ExecutorAttached, ExecutorLost: now). A ToolAnswered closes its call.
        """
        ...

    async def append_decision(
        self, session_id: str, events: Sequence[Decision | AnyEvent], claim: Claim, basis: int
    ) -> Appended | Refused:
        """All rows or none, keys `decision:{n}` with an index behind further rows.

        Compare-and-set on `claim.decision` and `claim.attempt`; raises `decision`, sets `attempt`
        and `lost` to 0, frees the lease, and sets `due_at` to now when `basis` is below the head.
        Otherwise: now, also while calls are open (a worker that dies before it sets its timer
        leaves that to the next step), unless the last row is RunEnded (None) or RunParked (its
        `wake_at`). A worker without a lease passes the row's counters as a Claim.
        """
        ...


class Branches(Protocol):
    """Going back in a conversation, and branching off. Rows are kept as they are."""

    async def rewind(
        self, owner: str, session_id: str, rewind_id: str, to_seq: int
    ) -> Branched | BranchRefused:
        """The model forgets what came behind the last turn that ended at or below `to_seq`.

        Refused while a run is open. The same `rewind_id` again is the same rewind.
        """
        ...

    async def fork(
        self, owner: str, session_id: str, fork_id: str, at_seq: int
    ) -> Branched | BranchRefused:
        """A new session that begins with this one's rows, to the last turn that had ended there.

        It is detached, and its calls are closed. The same `fork_id` again is the same session.
        """
        ...


class Sessions(Protocol):
    """What is read, listed and deleted."""

    async def load(
        self, session_id: str, *, after: int = 0, owner: str | None = None, limit: int = 10_000
    ) -> Loaded | None:
        """The row and the events above `after`, in one snapshot; None: no such session."""
        ...

    async def open_calls(self, session_id: str) -> Sequence[StoredEvent]:
        """The ToolAsked rows that are open, not cancelled, and bound to the row's journal_id.

        What a resume sends once more; in seq order.
        """
        ...

    async def list_sessions(
        self, owner: str, *, limit: int = 50, before: float | None = None
    ) -> Sequence[SessionSummary]:
        """Most recently changed first."""
        ...

    async def summary(self, owner: str, session_id: str) -> SessionSummary | None:
        """One of the list; None: no such session of this owner."""
        ...

    async def run_number(self, session_id: str) -> int:
        """Of the run that goes on, or was last, counted from 1; 0: no such session."""
        ...

    async def delete_session(self, owner: str, session_id: str) -> bool: ...


class Claims(Protocol):
    """Who may make a generation now, and what is due."""

    async def rest(self, session_id: str, head: int, due_at: float | None) -> bool:
        """Set the timer of a step that decided to wait. False when `head` is no longer the head."""
        ...

    async def claim(self, session_id: str, worker: str, decision: int) -> Claim | None:
        """Take the session for one generation (8 s).

        None: another's lease runs, or `decision` has moved. One's own lease is taken again, at
        once and not as lost: the answer to an earlier call was.
        """
        ...

    async def reattempt(self, claim: Claim) -> Claim | None:
        """`attempt` + 1 under the same lease, for a stream that broke; None: no longer ours."""
        ...

    async def renew(self, worker: str) -> Mapping[str, tuple[int, int]]:
        """Prolong all leases of `worker`; the (decision, attempt) of each session still held."""
        ...

    async def release(self, claim: Claim) -> None:
        """Free the lease without a decision (drain); does not count as lost."""
        ...

    async def due(
        self, limit: int = 100, *, worker: str = "", soon: float = 0.0
    ) -> Mapping[str, float]:
        """Sessions with `due_at <= now()` and no running lease: forgotten or timed work.

        Each with the seconds until it may be claimed: 0, or up to `soon` where a lease is about to
        run out. A lease of `worker` itself keeps none away: nobody makes what it is for.
        """
        ...


class Presence(Protocol):
    """Which executors are here, and how far each session has come."""

    async def heads(self, session_ids: Iterable[str]) -> Mapping[str, tuple[int, int]]:
        """(head, epoch) of each session that still exists."""
        ...

    async def touch(self, epochs: Mapping[str, int]) -> None:
        """Refresh `seen_at` of {session_id: epoch} where the epoch is still the session's."""
        ...

    async def lost_executors(self, limit: int = 100) -> Sequence[tuple[str, str, int]]:
        """(owner, session_id, epoch) attached but unseen for 45 s: their edge died."""
        ...


class Ledger(Appends, Branches, Sessions, Claims, Presence, Protocol):
    """The append-only truth of every session, with the fences of the design's section 4.

    Every method raises LedgerUnavailable when the database is away, and is safe to call again.
    `owner` is the user's id; another owner's session is `gone`.
    """

    async def check(self) -> None:
        """Raise LedgerUnavailable, saying what is missing, unless it can serve."""
        ...

    async def close(self) -> None: ...


# Bus


class HeadMoved(msgspec.Struct, frozen=True, tag="head"):
    """The ledger grew; `rows` holds the events above the previous head when they are small."""

    head: int
    rows: tuple[StoredEvent, ...] = ()


class Live(msgspec.Struct, frozen=True, tag="live"):
    """Something to show now and lose without harm."""

    message: AgentMessageDelta | AgentReasoningDelta | StatusChanged | ToolOutputDelta


class Overflowed(msgspec.Struct, frozen=True, tag="overflowed"):
    """This subscriber was too slow, or the stream had a hole: read the ledger from the cursor."""


Nudge = HeadMoved | Live | Overflowed


class Subscription(Protocol):
    """One session's nudges from the moment of subscribing on; bounded, slow readers overflow."""

    def __aiter__(self) -> AsyncIterator[Nudge]: ...

    def wake(self, head: int) -> None:
        """Put in, as if published, a head that the ledger's poll found; never blocks."""
        ...


class Bus(Protocol):
    """Nudges and live text; may lose anything, holds no truth.

    `publish` and `nudge` never raise and never block for long: what can't be delivered is counted
    and dropped, because the ledger's polls find it.
    """

    async def publish(self, session_id: str, nudge: HeadMoved | Live) -> None: ...

    def subscribe(self, session_id: str) -> AbstractAsyncContextManager[Subscription]:
        """Entered = subscribed: nothing published later is missed (but by loss of the bus)."""
        ...

    async def nudge_work(self, session_id: str) -> None:
        """Some worker should step this session."""
        ...

    def work(self) -> AsyncIterator[str]:
        """Session ids to step, for one worker; each nudge goes to one of them."""
        ...

    async def check(self) -> None:
        """Raise BusUnavailable unless it can serve."""
        ...

    async def close(self) -> None: ...


# Model


class Model(Protocol):
    """One streamed generation of any provider."""

    def generate(self, request: ModelRequest) -> AsyncGenerator[ReplyPart]:
        """Deltas, possibly Retrying, and at last one Reply; raises ModelError."""
        ...

    def refusal(self, name: str, /) -> str | None:
        """Why a wish for this `provider/name` is refused, or None when it can be had."""
        ...

    async def close(self) -> None: ...


# Accounts


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
