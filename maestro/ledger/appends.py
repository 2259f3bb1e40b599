"""The appends of the Ledger port: each names what it reads, and how it is planned from that.

What this process wrote last need not be read again. Knows no rule: `plan` decides, and the
database's compare-and-set makes it hold.
"""

import asyncio
import secrets
import textwrap
from collections.abc import Callable, Collection, Sequence
from typing import TypeVar
from weakref import WeakValueDictionary

import msgspec

from maestro.domain.events import (
    AnyEvent,
    ExecutorAttached,
    ExecutorLost,
    Fact,
    SessionOpened,
    UserSaid,
)
from maestro.ledger.database import Committed, Database, Look, NewSession
from maestro.ledger.draft import Change
from maestro.ledger.left import Left, Read
from maestro.ledger.plan import (
    Knock,
    decision_key,
    named_calls,
    plan_attach,
    plan_decision,
    plan_fact,
    plan_opening,
    standing_calls,
)
from maestro.ledger.rows import Before, empty_session, name, plain, tool_ids
from maestro.ports import (
    Appended,
    Attached,
    AttachRefused,
    Claim,
    Claimant,
    Opened,
    Refused,
)

_TITLE_CHARACTERS = 80

_Outcome = TypeVar("_Outcome")


class Appends:
    """The part of the Ledger port that writes events."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._left = Left()
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def open_session(
        self,
        owner: str,
        handshake_id: str | None,
        opened: SessionOpened,
        attached: ExecutorAttached,
        said: UserSaid,
    ) -> Opened | AttachRefused:
        attached = _storable(attached)
        handshake = None if handshake_id is None else name(handshake_id)
        (found,) = await self._database.read("find_handshake", owner, handshake)
        if found["session_id"] is None:
            made = NewSession(secrets.token_hex(16), owner, handshake, _title(said.content))
            empty = empty_session(made.session_id, owner, found["now"])
            opening = plan_opening(empty, opened, attached, said)
            if await self._database.create(made, opening):
                return Opened(made.session_id, 1, opening.new_head, again=False)
            if await self._database.read("row", made.session_id, owner):
                # An earlier try of this very call, whose outcome was not known.
                return Opened(made.session_id, 1, opening.new_head, again=False)
            (found,) = await self._database.read("find_handshake", owner, handshake)
        match await self._attach(owner, found["session_id"] or "", attached, Knock(opens=True)):
            case Attached(session_id, epoch, head):
                return Opened(session_id, epoch, head, again=True)
            case AttachRefused() as refused:
                return refused

    async def attach(
        self,
        owner: str,
        session_id: str,
        attached: ExecutorAttached,
        *,
        last_seq: int = 0,
        take_over: bool = False,
    ) -> Attached | AttachRefused:
        knock = Knock(last_seq=last_seq, take_over=take_over)
        return await self._attach(owner, session_id, _storable(attached), knock)

    async def _attach(
        self, owner: str, session_id: str, attached: ExecutorAttached, knock: Knock
    ) -> Attached | AttachRefused:
        # A key of this call's own: made again after an unknown outcome, it finds itself.
        key = f"attach:{secrets.token_hex(8)}"

        def plan(known: Before) -> Change | Attached | AttachRefused:
            return plan_attach(known, key, attached, knock)

        match await self._append(Look(name(session_id), owner, key, None), plan):
            case Committed(change=change):
                return Attached(session_id, change.epoch, change.new_head)
            case None:
                return AttachRefused("gone")
            case outcome:
                return outcome

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
        if isinstance(event, SessionOpened | ExecutorAttached):
            raise TypeError(f"{type(event).__name__} is written by open_session and attach")

        def plan(known: Before) -> Change | Appended | Refused:
            return plan_fact(known, key, event, epoch, claimant)

        look = Look(name(session_id), owner, name(key), tool_ids(named_calls((event,))))
        # Whether somebody is gone is for others to say as well.
        stands = None if isinstance(event, ExecutorLost) else standing_calls((event,))
        return _appended(await self._append(look, plan, stands))

    async def append_decision(
        self, session_id: str, events: Sequence[AnyEvent], claim: Claim, basis: int
    ) -> Appended | Refused:
        if not events:
            raise ValueError("a decision has at least one event")

        def plan(known: Before) -> Change | Appended | Refused:
            return plan_decision(known, events, claim, basis)

        look = Look(name(session_id), None, decision_key(claim), tool_ids(named_calls(events)))
        return _appended(await self._append(look, plan, standing_calls(events)))

    async def _append(
        self,
        look: Look,
        plan: Callable[[Before], Change | _Outcome],
        stands: Collection[str] | None = None,
    ) -> Committed | _Outcome | None:
        """`stands`: the calls that the append answers or moves; None: it has to look in any case.

        Nothing but a change is planned from what is only known: the rest is not proved by a commit.
        """
        # Appends of one process take turns; those of other processes meet in the database.
        async with self._turns.setdefault(look.session_id, asyncio.Lock()):
            known = None if stands is None else self._left.known(look, stands)
            if known is not None and isinstance(planned := plan(known.before), Change):
                committed = await self._database.commit(planned)
                if committed is not None:
                    self._left.keep(known, committed)
                    return committed
            return await self._looked(look, plan)

    async def _looked(
        self, look: Look, plan: Callable[[Before], Change | _Outcome]
    ) -> Committed | _Outcome | None:
        self._left.forget(look.session_id)
        read: Read | None = None

        def planned(before: Before) -> Change | _Outcome:
            nonlocal read
            read = self._left.looked(before)
            return plan(before)

        outcome = await self._database.append(look, planned)
        if isinstance(outcome, Committed) and read is not None:
            self._left.keep(read, outcome)
        return outcome


def _appended(outcome: Committed | Appended | Refused | None) -> Appended | Refused:
    match outcome:
        case Committed(change=change, claim=claim):
            written = change.written
            if claim is not None:
                row = msgspec.structs.replace(written.row, attempt=claim.attempt, lost=claim.lost)
                written = msgspec.structs.replace(written, row=row)
            return Appended(change.head + 1, change.new_head, written=written, claim=claim)
        case None:
            return Refused("gone")
        case _:
            return outcome


def _storable(attached: ExecutorAttached) -> ExecutorAttached:
    if attached.journal_id is None:
        return attached
    return msgspec.structs.replace(attached, journal_id=name(attached.journal_id))


def _title(prompt: str) -> str:
    """The first words, on one line."""
    return textwrap.shorten(plain(prompt[:1000]), _TITLE_CHARACTERS, placeholder=" …")
