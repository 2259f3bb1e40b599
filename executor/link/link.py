"""Keep one session's connection: connect, attach, come back, and say why when it can't.

Hands frames to its peer, which never waits. Knows neither tools nor journal.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import NoReturn, Protocol

from executor.errors import ServerRefused, ServerUnreachable
from executor.link.closing import MAX_BROKEN, RESTART, is_broken_contract, refusal
from executor.link.endpoint import Endpoint
from executor.link.outbox import Outbox
from executor.link.pace import Pace
from executor.link.socket import Dial, DialFailed, Hope, Socket, SocketClosed
from protocol.codec import Ignored
from protocol.connection import Connection, Violation
from protocol.errors import CloseCode
from protocol.from_executor import FromExecutor
from protocol.from_maestro import ErrorReported, FromMaestro, SessionStarted
from protocol.state import Phase
from protocol.wire import Frame

FLUSH_SECONDS = 1.0
FAIR_FRAMES = 32
"""So many frames that are there already are taken in before other tasks get a turn."""
_SILENT = 4008
RESTARTS_AT_ONCE = 3
"""So often in a row a restart is answered without a pause."""

Revive = Callable[[], Awaitable[Endpoint]]
"""Makes sure that there is a maestro, and says where; raises ServerUnreachable."""


class Reattach(Exception):
    """Raised by the peer: drop this connection and attach again at once."""


class Peer(Protocol):
    """Whom the link works for. None of these waits; what they raise ends the link."""

    def opened(self) -> None:
        """A connection is there: send the handshake."""
        ...

    def received(self, frame: Frame[FromMaestro]) -> None: ...

    def strayed(self, what: str) -> None:
        """A frame was refused or ignored."""
        ...

    def lost(self, why: str) -> None:
        """The connection is gone, or another attempt has failed; the link goes on trying."""
        ...


class Link:
    """One connection at a time, over as many sockets as it takes."""

    def __init__(
        self,
        endpoint: Endpoint,
        dial: Dial,
        *,
        revive: Revive | None = None,
        pace: Pace | None = None,
    ) -> None:
        """`revive` is asked before each attempt but the first."""
        self.endpoint = endpoint
        self._dial = dial
        self._revive = revive
        self._pace = pace or Pace()
        self._socket: Socket | None = None
        self._connection = Connection("executor")
        self._outbox = Outbox()
        self._history = _History()
        self._leaving = False

    @property
    def attached(self) -> bool:
        return self._connection.phase is Phase.ATTACHED

    @property
    def waiting_bytes(self) -> int:
        """What is to be sent and not yet taken by the network."""
        return self._outbox.waiting_bytes

    async def run(self, peer: Peer) -> None:
        """Serve `peer` until `close`, or until cancelled.

        Raises ServerRefused and ServerUnreachable when no further attempt is worth it.
        """
        self._history.wait_for(self._pace.first)
        while True:
            socket = await self._connected(peer)
            began = time.monotonic()
            closed = await self._served(socket, peer)
            if self._leaving:
                return
            pace = self._pace
            good = pace.restarted if closed.code == RESTART else pace.settled
            self._history.ended(settled=time.monotonic() - began > good)
            peer.lost(self._judge(closed) or _words(closed.code))

    def send(self, message: FromExecutor, *, frame_id: str | None = None) -> bool:
        """Put a message on its way; False where nobody is there to take it.

        Raises LocalProtocolError for what the protocol does not allow at this moment.
        """
        if self._socket is None:
            return False
        self._outbox.put(self._connection.send(message, id=frame_id))
        return True

    async def close(self) -> None:
        """Send what waits, for a second at most, and leave. An attempt under way is not ended."""
        self._leaving = True
        if self._socket is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_SECONDS):
                await self._outbox.emptied()
        await self._socket.close()

    async def _connected(self, peer: Peer) -> Socket:
        history = self._history
        while True:
            await asyncio.sleep(history.pause)
            try:
                if self._revive is not None and history.attempts:
                    self.endpoint = await self._revive()
                history.attempts += 1
                async with asyncio.timeout(history.left(self._pace.open)):
                    return await self._dial(self.endpoint)
            except TimeoutError:
                # Cut short by the deadline: what went wrong before is the better reason.
                why = history.last_failure or "no answer in time"
                self._failed(why, "later")
                peer.lost(why)
            except DialFailed as failure:
                self._failed(failure.why, failure.hope, failure.retry_after)
                peer.lost(failure.why)
            except ServerUnreachable as failure:
                self._failed(str(failure), "later")
                peer.lost(str(failure))

    async def _served(self, socket: Socket, peer: Peer) -> SocketClosed:
        """Attach and pump until the connection ends; says how it did."""
        self._socket, self._connection, self._outbox = socket, Connection("executor"), Outbox()
        self._history.attached_now = False
        writer = asyncio.create_task(self._outbox.drain_into(socket))
        try:
            peer.opened()
            async with asyncio.timeout(self._history.left(self._pace.answer)) as answer:
                await self._pump(socket, peer, answer)
        except SocketClosed as closed:
            return closed
        except Reattach as wish:
            return SocketClosed(RESTART, str(wish))
        except TimeoutError:
            return SocketClosed(_SILENT, "it does not answer the handshake")
        finally:
            self._socket = None
            self._connection.close()
            writer.cancel()
            await asyncio.wait([writer])
            if not writer.cancelled():
                writer.exception()  # the same end that `receive` has told
            await socket.close()

    async def _pump(self, socket: Socket, peer: Peer, answer: asyncio.Timeout) -> NoReturn:
        taken = 0
        while True:
            message = await socket.receive()
            received = (
                self._connection.receive(message)
                if isinstance(message, str)
                else self._connection.receive_binary()
            )
            for one in received:
                match one:
                    case Frame():
                        if isinstance(one.message, SessionStarted):
                            answer.reschedule(None)
                        self._history.note(one.message)
                        peer.received(one)
                    case Ignored(type=name):
                        peer.strayed(f"unknown type {name}")
                    case Violation():
                        await self._answer(one, peer)
            taken += 1
            if taken % FAIR_FRAMES == 0:
                await asyncio.sleep(0)

    async def _answer(self, violation: Violation, peer: Peer) -> None:
        if violation.answer is not None:
            self._outbox.put(violation.answer)
        code = violation.error.close_code
        if code is None:
            peer.strayed(str(violation.error))
        else:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FLUSH_SECONDS):
                    await self._outbox.emptied()
            if code == CloseCode.VERSION:  # no other attempt would change it
                raise SocketClosed(code, str(violation.error))
            raise SocketClosed(1002, f"the maestro broke the protocol: {violation.error}")

    def _judge(self, closed: SocketClosed) -> str:
        """After a connection's end: return why, to try again, or raise. Sets the pause before."""
        history = self._history
        why = closed.why or f"closed with code {closed.code}"
        if closed.code == CloseCode.TOO_MANY and history.retry_after is not None:
            return self._limited(history.retry_after)
        final = refusal(closed.code, history.last_error or closed.why)
        if final is not None:
            raise final
        if is_broken_contract(closed.code):
            history.broken += 1
            if history.broken >= MAX_BROKEN:
                raise ServerRefused(f"{self.endpoint.shown}: {history.last_error or why}")
        if not history.attached_now:
            self._failed(why, "later" if closed.code == _SILENT else "soon")
            return closed.why
        history.wait_for(self._pace.give_up)
        at_once = closed.code == RESTART and history.attempts <= RESTARTS_AT_ONCE
        history.pause = 0.0 if at_once else self._pace.pause(history.attempts - 1)
        return closed.why

    def _limited(self, retry_after: float) -> str:
        """The maestro said that the user is at a limit, and when it is of use to come back."""
        history = self._history
        why = f"{history.last_error}; again in {retry_after:.0f} s"
        if history.attached_now:
            history.wait_for(self._pace.give_up)
            history.pause = self._pace.pause(history.attempts - 1, retry_after=retry_after)
        else:
            self._failed(why, "busy", retry_after)
        return why

    def _failed(self, why: str, hope: Hope, retry_after: float | None = None) -> None:
        """After an attempt that came to nothing: return to try again, or raise."""
        history = self._history
        words = f"{self.endpoint.shown}: {why}"
        if hope == "none":
            raise ServerRefused(words)
        hopeless = hope == "later" and not history.attached_ever and self._revive is None
        pause = self._pace.pause(history.attempts - 1, busy=hope == "busy", retry_after=retry_after)
        if hopeless or time.monotonic() + pause > history.deadline:
            raise ServerUnreachable(words)
        history.pause = pause
        history.last_failure = why


def _words(code: int) -> str:
    return "the maestro restarts" if code == RESTART else f"closed with code {code}"


class _History:
    """What happened so far, as far as it bears on the next attempt."""

    def __init__(self) -> None:
        self.attempts = 0
        """Since the last connection that was a good one."""
        self.broken = 0
        """Connections that an error in a program ended, since then."""
        self.pause = 0.0
        """Seconds before the next attempt."""
        self.deadline = float("inf")
        """Monotonic."""
        self.attached_ever = False
        self.attached_now = False
        """On the connection that is there, or was there last."""
        self.last_error = ""
        """Words of the maestro on the last connection."""
        self.last_failure = ""
        """Why the last attempt came to nothing."""
        self.retry_after: float | None = None
        """Seconds that the maestro asked for on the last connection."""

    def wait_for(self, seconds: float | None) -> None:
        self.deadline = float("inf") if seconds is None else time.monotonic() + seconds

    def left(self, seconds: float) -> float:
        """`seconds`, or what is left of them until the deadline."""
        return max(0.0, min(seconds, self.deadline - time.monotonic()))

    def note(self, message: FromMaestro) -> None:
        match message:
            case SessionStarted():
                self.attached_ever = self.attached_now = True
                self.last_error = self.last_failure = ""
                self.retry_after = None
            case ErrorReported(message=words, retry_after=seconds):
                self.last_error, self.retry_after = words, seconds
            case _:
                pass

    def ended(self, *, settled: bool) -> None:
        if settled:
            self.attempts = self.broken = 0
