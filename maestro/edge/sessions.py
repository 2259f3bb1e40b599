"""Sessions over REST: list, show, delete, interrupt, say, and follow as server-sent events.

Reads and writes the ledger; decides nothing.
"""

import uuid
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from maestro.domain.events import Fact, Interrupted, UserSaid
from maestro.domain.frames import frame
from maestro.edge.edge import Edge
from maestro.edge.identifiers import is_session_id
from maestro.edge.refusals import (
    DRAINING,
    NO_SUCH_SESSION,
    TOO_MANY,
    Refusal,
    RequestRefused,
    too_many,
)
from maestro.edge.seats import Seat
from maestro.edge.shares import EVENT_SECONDS
from maestro.edge.watch import as_bytes, event_stream
from maestro.ports import Account, Limited, Loaded, Refused
from protocol.from_executor import RunWishes
from protocol.version import MAX_ID_CHARS

MAX_CONTENT = 1024 * 1024
"""Characters of one message."""
EVENTS_PER_PAGE = 500


GivenId = Annotated[str | None, Field(min_length=1, max_length=MAX_ID_CHARS)]


class SessionSummary(BaseModel):
    session_id: str
    title: str
    status: str
    created_at: float
    updated_at: float
    head: int
    attached: bool


class SessionList(BaseModel):
    sessions: list[SessionSummary]


class Session(SessionSummary):
    open_calls: int
    events: list[dict[str, Any]]
    """Durable frames, as a watcher gets them."""


class Accepted(BaseModel):
    id: str
    seq: int


class Message(BaseModel):
    content: Annotated[str, Field(min_length=1, max_length=MAX_CONTENT)]
    id: GivenId = None
    """The same id again is the same message."""
    model: str | None = None


class Interruption(BaseModel):
    reason: Annotated[str, Field(max_length=1000)] = ""
    id: GivenId = None


def edge_of(request: Request) -> Edge:
    edge: Edge = request.app.state.edge
    return edge


def account_of(request: Request) -> Account:
    account: Account = request.state.account
    return account


def owner_of(request: Request) -> str:
    return account_of(request).owner


def session_of(session_id: str) -> str:
    """The id, if it could be one."""
    if not is_session_id(session_id):
        raise RequestRefused(NO_SUCH_SESSION)
    return session_id


TheEdge = Annotated[Edge, Depends(edge_of)]
TheAccount = Annotated[Account, Depends(account_of)]
Owner = Annotated[str, Depends(owner_of)]
SessionId = Annotated[str, Depends(session_of)]

router = APIRouter(prefix="/api/v1/sessions")


@router.get("")
async def list_sessions(
    edge: TheEdge,
    owner: Owner,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: float | None = None,
) -> SessionList:
    """Most recently changed first; `before` is the `updated_at` of the last one seen."""
    found = await edge.dependencies.ledger.list_sessions(owner, limit=limit, before=before)
    return SessionList(sessions=[SessionSummary(**msgspec.structs.asdict(row)) for row in found])


@router.get("/{session_id}")
async def show_session(
    edge: TheEdge,
    owner: Owner,
    session_id: SessionId,
    after: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=EVENTS_PER_PAGE)] = EVENTS_PER_PAGE,
) -> Session:
    """The session and its events above `after`: ask again from the last one's seq for more."""
    loaded = await read_session(edge, owner, session_id, after, limit)
    summary = await edge.dependencies.ledger.summary(owner, session_id)
    if summary is None:  # deleted meanwhile
        raise RequestRefused(NO_SUCH_SESSION)
    edge.shares.of(owner).charge(EVENT_SECONDS * len(loaded.events))
    frames = (frame(stored, "watcher") for stored in loaded.events)
    return Session(
        **msgspec.structs.asdict(summary),
        open_calls=loaded.row.open_calls,
        events=[msgspec.json.decode(as_bytes(each)) for each in frames if each is not None],
    )


@router.delete("/{session_id}", status_code=204)
async def delete_session(edge: TheEdge, owner: Owner, session_id: SessionId) -> None:
    if not await edge.dependencies.ledger.delete_session(owner, session_id):
        raise RequestRefused(NO_SUCH_SESSION)


@router.post("/{session_id}/interrupt", status_code=202)
async def interrupt_session(
    edge: TheEdge, owner: Owner, session_id: SessionId, asked: Interruption | None = None
) -> Accepted:
    interruption = asked or Interruption()
    given = interruption.id or uuid.uuid4().hex
    fact = Interrupted(interruption.reason, by="rest")
    return await _append(edge, owner, session_id, ("interrupt", given), fact)


@router.post("/{session_id}/messages", status_code=202)
async def say(edge: TheEdge, owner: Owner, session_id: SessionId, message: Message) -> Accepted:
    """A follow-up, or steering during a run; its executor is shown it."""
    why = edge.model_refusal(message.model)
    if why is not None:
        raise RequestRefused(Refusal(422, "not_allowed", why))
    given = message.id or uuid.uuid4().hex
    said = UserSaid(given, message.content, run=RunWishes(model=message.model), via="rest")
    return await _append(edge, owner, session_id, ("user", given), said)


@router.get("/{session_id}/events")
async def follow_session(
    edge: TheEdge,
    account: TheAccount,
    session_id: SessionId,
    after: Annotated[int, Query(ge=0)] = 0,
    last_event_id: Annotated[int | None, Header(ge=0)] = None,
) -> StreamingResponse:
    """Every event above `after`, or above Last-Event-ID, without a gap, then live."""
    start = after if last_event_id is None else last_event_id
    await read_session(edge, account.owner, session_id, start, 1)
    taken = await seat(edge, account)
    return StreamingResponse(
        event_stream(edge, account, session_id, start, taken),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def may_try(edge: Edge, account: Account) -> None:
    """Raises RequestRefused: too many handshakes of this key have failed."""
    key_id = account.key_id or account.owner
    limited = await edge.dependencies.quotas.look("failures", key_id)
    if limited is not None:
        raise RequestRefused(too_many(limited))


async def may_send(edge: Edge, account: Account) -> None:
    """Raises RequestRefused: whatever this person sent would end the connection again."""
    limited = await edge.dependencies.quotas.look("bytes", account.owner)
    if limited is not None:
        raise RequestRefused(too_many(limited))


async def seat(edge: Edge, account: Account) -> Seat:
    """For one more connection. Raises RequestRefused: this process or this person has no room."""
    if edge.peers.draining:
        raise RequestRefused(DRAINING)
    if edge.seats.count >= edge.dependencies.limits.sockets:
        raise RequestRefused(TOO_MANY)
    taken = await edge.seats.take(account.owner)
    if isinstance(taken, Limited):
        raise RequestRefused(too_many(taken))
    return taken


async def read_session(edge: Edge, owner: str, session_id: str, after: int, limit: int) -> Loaded:
    """A page of this owner's session. Raises RequestRefused: not there, or `after` too high."""
    loaded = await edge.dependencies.ledger.load(session_id, after=after, owner=owner, limit=limit)
    if loaded is None:
        raise RequestRefused(NO_SUCH_SESSION)
    if after > loaded.row.head:
        words = f"the session ends at {loaded.row.head}: follow it from 0"
        raise RequestRefused(Refusal(400, "unknown_seq", words))
    return loaded


async def _append(
    edge: Edge, owner: str, session_id: str, key: tuple[str, str], fact: Fact
) -> Accepted:
    kind, given = key
    outcome = await edge.append(owner, session_id, f"{kind}:{given}", fact)
    match outcome:
        case Refused(why="conflict"):
            words = "this id was used with other content; the first stays"
            raise RequestRefused(Refusal(409, "conflict", words))
        case Refused():
            raise RequestRefused(NO_SUCH_SESSION)
        case _:
            return Accepted(id=given, seq=outcome.seq)
