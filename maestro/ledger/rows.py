"""The one place where the ledger's rows become objects, and events become rows.

Knows no database: a row is whatever gives a value for a column's name.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Literal, Protocol

import msgspec

from maestro.domain.events import EVENT_VERSION, AnyEvent, StoredEvent
from maestro.errors import NewerEvent
from maestro.ports import Claim, SessionRow, SessionSummary

CallState = Literal["open", "cancelled", "closed"]


NAME_CHARACTERS = 512


class Row(Protocol):
    """What both drivers give."""

    def __getitem__(self, key: str, /) -> Any: ...


class Call(msgspec.Struct, frozen=True, array_like=True):
    """One row of `calls`, in the order of its columns."""

    tool_id: str
    generation_id: str
    bound_to: str | None
    state: CallState
    seq: int


class EventRow(msgspec.Struct, frozen=True):
    """One row of `events` that is to be written."""

    seq: int
    key: str
    kind: str
    version: int
    body: str


class Found(msgspec.Struct, frozen=True):
    """What stands under an append's key."""

    seq: int
    event: AnyEvent


class Before(msgspec.Struct, frozen=True):
    """What an append needs to know of the session, read in one statement."""

    row: SessionRow
    status: str
    found: Found | None
    calls: Mapping[str, Call]
    """By tool_id: of the calls that the append names, those that the session has issued."""


_events: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)
_calls = msgspec.json.Decoder(tuple[Call, ...])


def plain(text: str) -> str:
    """`text` as a text column takes it: no NUL, no lone surrogate. A JSON body needs no care."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def name(text: str) -> str:
    """A name that a stranger chose (an id, a key), as an index takes it: plain and not long."""
    text = plain(text)
    if len(text) <= NAME_CHARACTERS:
        return text
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def event_row(seq: int, key: str, event: AnyEvent) -> EventRow:
    kind = str(event.__struct_config__.tag)
    return EventRow(seq, key, kind, EVENT_VERSION, msgspec.json.encode(event).decode())


def stored_event(row: Row) -> StoredEvent:
    """The event of a row of `events`; NewerEvent when a later version of this program wrote it."""
    event = _event(row["kind"], row["version"], row["body"])
    return StoredEvent(seq=row["seq"], key=row["key"], event=event, at=row["at"])


def _event(kind: str, version: int, body: str) -> AnyEvent:
    if version > EVENT_VERSION:
        raise NewerEvent(f"{kind!r} of version {version}: this program knows {EVENT_VERSION}")
    try:
        return _events.decode(body)
    except msgspec.ValidationError as error:
        raise NewerEvent(f"{kind!r} is not an event that this program knows: {error}") from error


def session_row(row: Row) -> SessionRow:
    return SessionRow(
        session_id=row["session_id"],
        owner=row["owner"],
        head=row["head"],
        decision=row["decision"],
        attempt=row["attempt"],
        lost=row["lost"],
        open_calls=row["open_calls"],
        epoch=row["epoch"],
        journal_id=row["journal_id"],
        attached=bool(row["attached"]),
        seen_ago=max(0.0, row["now"] - row["seen_at"]),
        due_at=row["due_at"],
        now=row["now"],
    )


def before(row: Row) -> Before:
    """From the query `before`."""
    found = None
    if row["found_seq"] is not None:
        event = _event(row["found_kind"], row["found_version"], row["found_body"])
        found = Found(row["found_seq"], event)
    calls = _calls.decode(row["calls"]) if row["calls"] else ()
    return Before(session_row(row), row["status"], found, _by_tool_id(calls))


def empty_session(session_id: str, owner: str, now: float) -> Before:
    """A session's row as `create_session` makes it."""
    row = SessionRow(
        session_id=session_id,
        owner=owner,
        head=0,
        decision=0,
        attempt=0,
        lost=0,
        open_calls=0,
        epoch=0,
        journal_id=None,
        attached=False,
        seen_ago=0.0,
        due_at=now,
        now=now,
    )
    return Before(row, "idle", None, {})


def tool_ids(ids: Iterable[str]) -> str:
    """Of the calls that an append names: the last argument of the query `before`."""
    return msgspec.json.encode([name(tool_id) for tool_id in ids]).decode()


def _by_tool_id(calls: Iterable[Call]) -> dict[str, Call]:
    return {call.tool_id: call for call in calls}


def summary(row: Row) -> SessionSummary:
    return SessionSummary(
        session_id=row["session_id"],
        title=row["title"],
        status=row["status"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        head=row["head"],
        attached=bool(row["attached"]),
    )


def claim_of(session_id: str, worker: str, row: Row | None = None) -> Claim | None:
    """From what `claim`, `reattempt` and `commit` return; None where the claim was not taken."""
    if row is None or row["attempt"] is None:
        return None
    return Claim(session_id, worker, row["decision"], row["attempt"], row["lost"])
