"""Going back in a session and branching off from it, over REST.

Asks the ledger; decides nothing.
"""

import uuid
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from maestro.edge.edge import Edge
from maestro.edge.refusals import NO_SUCH_SESSION, Refusal, RequestRefused, too_many
from maestro.edge.sessions import GivenId, Owner, SessionId, TheEdge
from maestro.ports import Branched, BranchRefused, HeadMoved

RUN_OPEN = Refusal(409, "run_open", "a run is open in this session: interrupt it, or let it end")

Seq = Annotated[int, Field(ge=0, lt=2**31)]


class Rewind(BaseModel):
    to_seq: Seq
    id: GivenId = None
    """The same id again is the same rewind."""


class Fork(BaseModel):
    at_seq: Seq
    id: GivenId = None
    """The same id again is the same new session."""


class Branch(BaseModel):
    session_id: str
    at_seq: int
    """Where the last turn that stands has ended; 0: nothing was said yet."""
    head: int


router = APIRouter(prefix="/api/v1/sessions")


@router.post("/{session_id}/rewind")
async def rewind_session(
    edge: TheEdge, owner: Owner, session_id: SessionId, asked: Rewind
) -> Branch:
    """Go back to the end of the last turn at or below `to_seq`: the model forgets the rest."""
    given = asked.id or uuid.uuid4().hex
    ledger = edge.dependencies.ledger
    return await _branch(edge, await ledger.rewind(owner, session_id, given, asked.to_seq))


@router.post("/{session_id}/fork", status_code=201)
async def fork_session(edge: TheEdge, owner: Owner, session_id: SessionId, asked: Fork) -> Branch:
    """A new session that begins as this one did, to the end of the last turn at or below."""
    given = asked.id or uuid.uuid4().hex
    limited = await edge.dependencies.quotas.spend("sessions", owner)
    if limited is not None:
        raise RequestRefused(too_many(limited))
    ledger = edge.dependencies.ledger
    return await _branch(edge, await ledger.fork(owner, session_id, given, asked.at_seq))


async def _branch(edge: Edge, branched: Branched | BranchRefused) -> Branch:
    match branched:
        case Branched(session_id=session_id, at_seq=at_seq, head=head):
            await edge.tell(session_id, HeadMoved(head))
            return Branch(session_id=session_id, at_seq=at_seq, head=head)
        case BranchRefused(why="gone"):
            raise RequestRefused(NO_SUCH_SESSION)
        case BranchRefused():
            raise RequestRefused(RUN_OPEN)
