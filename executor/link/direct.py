"""WebSockets without a proxy in between: a connection of our own, over unix sockets, TCP and TLS.

Compresses nothing, follows no redirect, logs nothing: the token goes to the endpoint alone.
"""

import asyncio
import os
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

import msgspec

from executor.link import framing, upgrade
from executor.link.endpoint import Endpoint
from executor.link.refusals import OPEN_SECONDS, no_maestro, refused, unreached
from executor.link.socket import DialFailed, SocketClosed
from protocol.version import MAX_FRAME_TO_EXECUTOR, PING_SECONDS, SILENT_SECONDS

if TYPE_CHECKING:
    from ssl import SSLContext

CLOSE_SECONDS = 1.0
_MAX_UNREAD = 16
"""Messages that wait to be taken; above, the peer has to wait."""
_ABNORMAL = 1006
_FAILED = 1011
_TLS_PORT, _PORT = 443, 80


class Pulse(msgspec.Struct, frozen=True):
    """How the peer's silence is noticed, in seconds."""

    pause: float = PING_SECONDS
    """Between an answer and the next ping."""
    patience: float = SILENT_SECONDS - PING_SECONDS
    """For the answer to a ping."""


_PULSE = Pulse()


async def open_direct(
    endpoint: Endpoint, tls: "SSLContext | None" = None, pulse: Pulse = _PULSE
) -> "DirectSocket":
    """Connect within 10 seconds. Raises DialFailed."""
    loop = asyncio.get_running_loop()
    opened: asyncio.Future[DirectSocket] = loop.create_future()

    def opening() -> _Opening:
        return _Opening(endpoint, opened, pulse)

    transport: asyncio.BaseTransport | None = None
    try:
        async with asyncio.timeout(OPEN_SECONDS):
            if endpoint.socket is not None:
                made = await loop.create_unix_connection(opening, str(endpoint.socket))
            else:
                parts = urlsplit(endpoint.url)
                port = parts.port or (_PORT if tls is None else _TLS_PORT)
                made = await loop.create_connection(opening, parts.hostname or "", port, ssl=tls)
            transport = made[0]
            socket = await opened
            transport = None
            return socket
    except OSError as error:
        raise unreached(endpoint, error) from error
    except UnicodeError as error:
        raise DialFailed("its name is no name of a host", "later") from error
    finally:
        if transport is not None:
            cast("asyncio.Transport", transport).abort()


class _Opening(asyncio.Protocol):
    """From the request to its answer; then a DirectSocket takes over."""

    def __init__(
        self, endpoint: Endpoint, opened: "asyncio.Future[DirectSocket]", pulse: Pulse
    ) -> None:
        self._endpoint = endpoint
        self._opened = opened
        self._pulse = pulse
        self._nonce = upgrade.key()
        self._said = b""
        self._refusal: upgrade.Answer | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(upgrade.request(self._endpoint, self._nonce))

    def data_received(self, data: bytes) -> None:
        if self._opened.done():  # given up, or refused
            return
        self._said += data
        try:
            self._take()
        except upgrade.NotAnAnswer as error:
            self._opened.set_exception(no_maestro(str(error)))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._opened.done():
            return
        if self._refusal is not None:
            self._refuse(self._refusal)
        elif isinstance(exc, OSError):
            self._opened.set_exception(exc)
        else:  # what has come so far can be the beginning of an answer
            why = "the connection was closed before an answer"
            self._opened.set_exception(DialFailed(why, "soon"))

    def _take(self) -> None:
        if self._refusal is None:
            head, is_there, rest = self._said.partition(b"\r\n\r\n")
            if not upgrade.may_begin(head):
                raise upgrade.NotAnAnswer("what it says is not HTTP")
            if not is_there:
                return
            answer = upgrade.head(head)
            if upgrade.is_upgrade(answer, self._nonce):
                socket = DirectSocket(self._transport, self._pulse)
                self._transport.set_protocol(socket)
                self._opened.set_result(socket)
                socket.data_received(rest)
                return
            self._refusal, self._said = answer, rest
        if upgrade.is_whole(self._refusal, self._said):
            self._refuse(self._refusal)

    def _refuse(self, answer: upgrade.Answer) -> None:
        self._opened.set_exception(refused(msgspec.structs.replace(answer, body=self._said)))


class DirectSocket(asyncio.Protocol):
    """One WebSocket, open; `receive` and `send` are for one task each."""

    def __init__(self, transport: asyncio.Transport, pulse: Pulse) -> None:
        loop = asyncio.get_running_loop()
        self._transport = transport
        self._pulse = pulse
        self._reader = framing.Reader(MAX_FRAME_TO_EXECUTOR)
        self._messages: deque[str | bytes] = deque()
        self._arrived = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._closed: SocketClosed | None = None
        """Why no message follows those that wait."""
        self._gone: asyncio.Future[None] = loop.create_future()
        self._asked = b""
        """What the ping that waits for its answer holds."""
        self.answered = 0
        """Pings so far that the peer has answered."""
        self._clock = loop.call_later(pulse.pause, self._ping)

    async def send(self, frame: bytes) -> None:
        if self._closed is None:
            self._transport.write(framing.frame(framing.Opcode.TEXT, frame))
            await self._writable.wait()
        if self._closed is not None:
            raise self._closed

    async def receive(self) -> str | bytes:
        while not self._messages:
            if self._closed is not None:
                raise self._closed
            self._arrived.clear()
            await self._arrived.wait()
        if len(self._messages) == _MAX_UNREAD:
            self._transport.resume_reading()
        return self._messages.popleft()

    async def close(self, code: int = 1000) -> None:
        self._end(SocketClosed(_ABNORMAL, "it was closed here"), code)
        self._transport.resume_reading()
        await asyncio.wait([self._gone], timeout=CLOSE_SECONDS)
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._transport.is_closing():
            return
        try:
            for one in self._reader.feed(data):
                self._take(one)
        except framing.Refused as error:
            self._end(SocketClosed(_ABNORMAL, error.why), error.code)
            self._transport.close()
        if len(self._messages) >= _MAX_UNREAD:
            self._transport.pause_reading()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._end(SocketClosed(_ABNORMAL, "the connection broke"), None)
        self._gone.set_result(None)

    def _take(self, one: framing.Incoming) -> None:
        match one:
            case str() | bytes():
                if self._closed is None:
                    self._messages.append(one)
                    self._arrived.set()
            case framing.Ping(payload=payload):
                self._transport.write(framing.frame(framing.Opcode.PONG, payload))
            case framing.Pong(payload=payload):
                if self._asked and payload == self._asked:
                    self._beat_again()
            case framing.Close(code=code, why=why):
                self._end(SocketClosed(code, why), code)
                self._transport.close()

    def _end(self, closed: SocketClosed, code: int | None) -> None:
        """Nothing is sent or kept from here on; `code` is what the peer is told.

        It is the peer that goes on to close the connection: what is on its way would be lost with
        a connection that is closed here (RFC 6455, 7.1.1).
        """
        if self._closed is not None:
            return
        self._closed = closed
        self._clock.cancel()
        self._arrived.set()
        self._writable.set()
        if code is not None:
            self._transport.write(framing.close_frame(code, ""))

    def _ping(self) -> None:
        self._asked = os.urandom(4)
        self._transport.write(framing.frame(framing.Opcode.PING, self._asked))
        self._wait(self._pulse.patience, self._fall_silent)

    def _beat_again(self) -> None:
        self._asked = b""
        self.answered += 1
        self._clock.cancel()
        self._wait(self._pulse.pause, self._ping)

    def _wait(self, seconds: float, then: Callable[[], None]) -> None:
        self._clock = asyncio.get_running_loop().call_later(seconds, then)

    def _fall_silent(self) -> None:
        self._end(SocketClosed(_ABNORMAL, "it does not answer pings"), _FAILED)
        self._transport.close()
