"""Show one session to a read-only watcher, over a WebSocket or as server-sent events.

The same frames in the same order as everybody else's, from any seq on. Takes nothing from them.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager

import structlog
from starlette.websockets import WebSocket

from maestro.edge.edge import Edge
from maestro.edge.follower import Follower, SessionGone, Watching
from maestro.edge.line import INTERNAL_ERROR, BinaryFrame, Line, SocketEnded
from maestro.edge.peers import Peer
from maestro.edge.seats import Seat
from maestro.errors import NewerEvent
from maestro.ports import Account
from protocol.codec import encode, fit
from protocol.errors import CloseCode
from protocol.from_maestro import FromMaestro
from protocol.version import MAX_FRAME_TO_EXECUTOR
from protocol.wire import Frame

IDLE_SECONDS = 15.0
"""After which an event stream says that it is alive."""
WORD_SECONDS = 1.0
"""How long somebody who is sent away is told why."""

log = structlog.get_logger(__name__)


@contextlib.asynccontextmanager
async def watching(edge: Edge, account: Account, session_id: str) -> AsyncGenerator[Peer]:
    """A watcher among the peers of `edge`, subscribed."""
    async with edge.dependencies.bus.subscribe(session_id) as subscription:
        ledger = edge.dependencies.ledger
        follower = Follower(ledger, account.owner, session_id, subscription, Watching())
        peer = Peer(session_id, follower, key_id=account.key_id)
        with edge.peers.joined(peer):
            yield peer


async def serve_watcher(
    edge: Edge, account: Account, session_id: str, socket: WebSocket, after: int
) -> None:
    """Until the socket is closed; it is accepted, and the session was found, already."""
    line = Line(socket, edge.dependencies.limits.send_seconds)
    line.meter(edge.shares.of(account.owner))
    code: int | None = None
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_refuse_words(line))
            tasks.create_task(_show(watching(edge, account, session_id), line, after, tasks))
    except* SocketEnded as ended:
        codes = [error.code for error in ended.exceptions if isinstance(error, SocketEnded)]
        code = next((known for known in codes if known is not None), None)
    except* Exception as errors:  # the boundary: a bug ends this socket, not the process
        log.exception("watch_socket_failed", session=session_id, exc_info=errors)
        code = INTERNAL_ERROR
    if code is not None:
        await line.close(code)


async def _refuse_words(line: Line) -> None:
    """A watcher has nothing to say: its first frame ends the socket."""
    try:
        words = await line.receive()
    except BinaryFrame:
        raise SocketEnded(CloseCode.BINARY) from None
    raise SocketEnded(None if words is None else CloseCode.BAD_STATE)


async def _show(
    entering: AbstractAsyncContextManager[Peer], line: Line, after: int, tasks: asyncio.TaskGroup
) -> None:
    async with entering as peer:
        leaving = tasks.create_task(_leave_when_told(peer, line))
        try:
            async for frame in peer.follower.frames(after):
                if frame is not None:
                    await line.send(as_bytes(frame))
        except SessionGone:
            raise SocketEnded(CloseCode.BAD_STATE) from None
        except NewerEvent:  # a process of that version may serve it
            raise SocketEnded(CloseCode.SERVICE_RESTART) from None
        if not peer.told.is_set():
            raise SocketEnded(peer.closing)
        await leaving


async def _leave_when_told(peer: Peer, line: Line) -> None:
    """At once, whatever its watcher has left unread."""
    await peer.told.wait()
    if peer.report is not None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WORD_SECONDS):
                await line.send(encode(Frame(peer.report)))
    raise SocketEnded(peer.closing)


async def event_stream(
    edge: Edge, account: Account, session_id: str, after: int, seat: Seat
) -> AsyncGenerator[bytes]:
    """Server-sent events; a durable frame's seq is the event's id (HTML standard, 9.2)."""
    async with edge.seats.used(seat), watching(edge, account, session_id) as peer:
        with contextlib.suppress(SessionGone, NewerEvent):
            async for frame in peer.follower.frames(after, idle_seconds=IDLE_SECONDS):
                yield b": alive\n\n" if frame is None else _as_event(frame)


def as_bytes(frame: Frame[FromMaestro]) -> bytes:
    return encode(fit(frame, MAX_FRAME_TO_EXECUTOR))


def _as_event(frame: Frame[FromMaestro]) -> bytes:
    kind = str(frame.message.__struct_config__.tag)
    seq = b"" if frame.seq is None else b"id: %d\n" % frame.seq
    return b"%bevent: %b\ndata: %b\n\n" % (seq, kind.encode(), as_bytes(frame))
