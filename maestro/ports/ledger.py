"""The Ledger port: what is written, read, claimed and seen of every session.

Interfaces only; the values are in `outcomes`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from maestro.domain.events import (
    AnyEvent,
    Decision,
    ExecutorAttached,
    Fact,
    SessionOpened,
    StoredEvent,
    UserSaid,
)
from maestro.ports.outcomes import (
    UNBOUNDED,
    Allowance,
    Appended,
    Attached,
    AttachRefused,
    Branched,
    BranchRefused,
    Claim,
    Claimant,
    Exhausted,
    Loaded,
    Opened,
    Refused,
    SessionSummary,
)


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
        claimant: Claimant | None = None,
    ) -> Appended | Refused:
        """One fact. `epoch` fences those of a socket; None is for REST and the workers' look.

        Sets `due_at` by the design's rules (ToolAnswered, UserSaid: now only if no call is open;
        Interrupted, ExecutorAttached, ExecutorLost: now). A ToolAnswered closes its call.

        A ToolAnswered that leaves no call open takes the claim for `claimant` in the same commit,
        by the rules of `claim`; where something stands in its way there is just no claim.
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

    async def claim(
        self, session_id: str, worker: str, decision: int, allowance: Allowance = UNBOUNDED
    ) -> Claim | Exhausted | None:
        """Take the session for one generation (8 s), where its owner's `allowance` has room.

        None: another's lease runs, or `decision` has moved. One's own lease is taken again, at
        once and not as lost: the answer to an earlier call was. Of claims that race for the last
        place one gets it.
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
