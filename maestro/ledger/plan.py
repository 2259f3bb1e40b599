"""Decide an append from what was read: the key first, then the fence, then the change.

Pure. What an event does to the row is in `draft`; reading, writing and trying again in `appends`.
"""

from collections.abc import Sequence

import msgspec

from maestro.domain.events import (
    MAESTRO,
    AnyEvent,
    CallCancelled,
    CallWaiting,
    ExecutorAttached,
    ExecutorLost,
    Fact,
    RunEnded,
    RunParked,
    SessionOpened,
    ToolAnswered,
    ToolAsked,
    UserSaid,
)
from maestro.ledger.draft import Change, Draft
from maestro.ledger.rows import Before, Call, Found, name
from maestro.ports import Appended, Attached, AttachRefused, Claim, Claimant, Refused, SessionRow

UNSEEN_SECONDS = 45.0
"""An executor that no edge has seen for so long is lost."""

_REPLACED = "The executor was replaced: whether this call took effect is not known."


def plan_opening(
    before: Before, opened: SessionOpened, attached: ExecutorAttached, said: UserSaid
) -> Change:
    """The first three rows of a session whose row was made in the same transaction."""
    draft = Draft(before)
    draft.add("open", opened)
    draft.add("attach:1", msgspec.structs.replace(attached, epoch=1))
    draft.add(user_key(said), said)
    return draft.change()


def plan_fact(
    before: Before, key: str, event: Fact, epoch: int | None, claimant: Claimant | None = None
) -> Change | Appended | Refused:
    row = before.row
    if before.found is not None:
        return _again(before.found, event, row)
    if epoch is not None and not (row.attached and row.epoch == epoch):
        return Refused("stale_epoch")
    match event:
        case ToolAnswered() | CallWaiting():
            if not _was_issued(before.calls.get(event.tool_id), event):
                return Refused("unknown_call")
        case ExecutorLost():
            if not (row.attached and row.epoch == event.epoch):
                return Refused("stale_epoch")
        case _:
            pass
    draft = Draft(before)
    draft.add(key, event)
    change = draft.change()
    if claimant is None or not _asks_for_a_generation(event, change):
        return change
    return msgspec.structs.replace(change, claimant=claimant)


def _asks_for_a_generation(event: Fact, change: Change) -> bool:
    """Every call is answered, and nobody has claimed the session since the last decision."""
    return isinstance(event, ToolAnswered) and change.moves_due and change.attempt == 0


def plan_decision(
    before: Before, events: Sequence[AnyEvent], claim: Claim, basis: int
) -> Change | Appended | Refused:
    row = before.row
    if before.found is not None:
        again = _again(before.found, events[0], row)
        return again if isinstance(again, Appended) else Refused("voided")
    if (row.decision, row.attempt) != (claim.decision, claim.attempt):
        return Refused("voided")
    draft = Draft(before)
    key = decision_key(claim)
    for index, event in enumerate(events):
        draft.add(f"{key}:{index}" if index else key, event)
    draft.decide()
    draft.set_due(row.now if basis < row.head else _due_after(events[-1], row.now))
    return draft.change()


class Knock(msgspec.Struct, frozen=True):
    """How an executor asks to be let in."""

    last_seq: int = 0
    take_over: bool = False
    opens: bool = False
    """With the handshake that opened the session, not with the session's id."""


def plan_attach(
    before: Before, key: str, attached: ExecutorAttached, knock: Knock
) -> Change | Attached | AttachRefused:
    """`before` holds the calls that are not closed."""
    row = before.row
    match before.found:
        case Found(event=ExecutorAttached(epoch=epoch)):
            return Attached(row.session_id, epoch, row.head)
        case _:
            pass
    if knock.last_seq > row.head:
        return AttachRefused("unknown_seq")
    unseen = row.attached and row.seen_ago > UNSEEN_SECONDS
    another = _is_another(row, attached)
    # Without a journal only the id of its handshake says that it is the one that was here before.
    returns = knock.opens and attached.journal_id is None and row.journal_id is None
    if another and row.attached and not (unseen or returns or knock.take_over):
        return AttachRefused("already_attached")
    draft = Draft(before)
    if unseen:
        draft.add(f"lost:{row.epoch}", ExecutorLost(row.epoch))
    if another:
        for call in sorted(before.calls.values(), key=lambda call: call.seq):
            draft.add(f"tool:{call.tool_id}", _interrupted(call))
    draft.add(key, msgspec.structs.replace(attached, epoch=row.epoch + 1))
    return draft.change()


def _is_another(row: SessionRow, attached: ExecutorAttached) -> bool:
    """An executor without a journal is always another one."""
    return attached.journal_id is None or attached.journal_id != row.journal_id


def user_key(said: UserSaid) -> str:
    return name(f"user:{said.message_id}")


def decision_key(claim: Claim) -> str:
    """Of the decision that is being made; further rows of it have an index behind."""
    return f"decision:{claim.decision + 1}"


def named_calls(events: Sequence[AnyEvent]) -> list[str]:
    """The tool_ids whose calls an append of `events` has to know."""
    return [
        event.tool_id
        for event in events
        if isinstance(event, ToolAsked | ToolAnswered | CallWaiting | CallCancelled)
    ]


def standing_calls(events: Sequence[AnyEvent]) -> set[str]:
    """Of those, the calls that were issued before."""
    issued = {event.tool_id for event in events if isinstance(event, ToolAsked)}
    return set(named_calls(events)) - issued


def _again(found: Found, event: AnyEvent, row: SessionRow) -> Appended | Refused:
    if _unbound(found.event) != _unbound(event):
        return Refused("conflict")
    return Appended(found.seq, row.head, again=True)


def _unbound(event: AnyEvent) -> AnyEvent:
    """Without what the append itself had written."""
    match event:
        case ToolAsked():
            return msgspec.structs.replace(event, bound_to=None)
        case ExecutorAttached():
            return msgspec.structs.replace(event, epoch=0)
        case _:
            return event


def _was_issued(call: Call | None, event: ToolAnswered | CallWaiting) -> bool:
    """To an executor, and in that generation."""
    if call is None or call.bound_to == MAESTRO:
        return False
    match event:
        case ToolAnswered():
            return call.generation_id == event.generation_id
        case CallWaiting():
            return True


def _due_after(last: AnyEvent, now: float) -> float | None:
    """Now also while calls are open: a worker that dies here leaves its timer to the next step."""
    match last:
        case RunEnded():
            return None
        case RunParked():
            return last.wake_at
        case _:
            return now


def _interrupted(call: Call) -> ToolAnswered:
    return ToolAnswered(
        tool_id=call.tool_id,
        generation_id=call.generation_id,
        status="interrupted",
        result=_REPLACED,
    )
