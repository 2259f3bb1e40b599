"""One WebSocket of uvicorn: written to without a task, read in slices by its owner's share.

Whose share it is, the application says (`METER`). Pings and dead peers are uvicorn's work.
"""

import asyncio
import struct
import threading
from typing import cast

from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import CloseCode, Frame
from websockets.http11 import Request
from websockets.protocol import State

from maestro.bootstrap.unread import Unread
from maestro.edge.line import METER, WRITE_TEXT
from maestro.edge.shares import BYTE_SECONDS, FRAME_SECONDS, Share

SLICE_BYTES = 16 * 1024
"""Of one read: some 2,700 of the smallest frames, which take some 40 ms."""
MAX_FRAGMENTS = 4096
"""Of one message: pieces of nothing would add up without end."""

_REFUSED_UPGRADE = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class DirectSocket(WebSocketsSansIOProtocol):
    """Offers the application to write a text frame into the connection without a task of its own.

    Where a peer reads as fast as it is written to, nothing has to wait: 5 us instead of 25 a frame.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.slices = SlicedReading(self)
        """To be the transport's protocol once the head was read."""
        self.frames_read = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._unread = Unread(cast("asyncio.Transport", transport))

    def connection_lost(self, exc: Exception | None) -> None:
        self._unread.stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self.handshake_initiated and not self.transport.is_closing():
            # The head was whole, and is no upgrade: uvicorn would leave it without an answer.
            self.transport.write(_REFUSED_UPGRADE)
            self.transport.close()

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if self.response.status_code == 101:
            scope = cast("dict[str, dict[str, object]]", self.scope)
            scope["extensions"][WRITE_TEXT] = self.write_text
            scope["extensions"][METER] = self.slices.meter

    def handle_text(self, event: Frame) -> None:
        self.frames_read += 1
        super().handle_text(event)

    def handle_bytes(self, event: Frame) -> None:
        self.frames_read += 1
        super().handle_bytes(event)

    def handle_cont(self, event: Frame) -> None:
        self.frames_read += 1
        if len(self.frames) >= MAX_FRAGMENTS:
            if not self.close_sent:
                self.conn.fail(CloseCode.MESSAGE_TOO_BIG, "too many fragments")
                self.handle_parser_exception()
            return
        super().handle_cont(event)

    def handle_ping(self) -> None:
        """Answered unless the peer reads nothing: later ones answer for it (RFC 6455, 5.5.3)."""
        self.frames_read += 1
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()

    def handle_pong(self, event: Frame) -> None:
        self.frames_read += 1
        super().handle_pong(event)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread.look()

    def write_text(self, text: bytes) -> bool:
        """False before the handshake, while the peer reads too little, and behind a close."""
        may_speak = self.conn.state is State.OPEN and not self.close_sent
        if not may_speak or not self.writable.is_set() or self.transport.is_closing():
            return False
        size = len(text)
        if size < 126:  # RFC 6455, 5.2: final, text, not masked
            head = struct.pack("!BB", 0x81, size)
        elif size < 1 << 16:
            head = struct.pack("!BBH", 0x81, 126, size)
        else:
            head = struct.pack("!BBQ", 0x81, 127, size)
        self.transport.write(head + text)
        return True


class _Slice(threading.local):
    """A loop's, for all of its sockets: what is read is copied in the same turn."""

    def __init__(self) -> None:
        self.buffer = bytearray(SLICE_BYTES)


_SLICE = _Slice()


class SlicedReading(asyncio.BufferedProtocol):
    """Reads little at once for a socket, so that many small frames are not one turn's work."""

    def __init__(self, inner: DirectSocket) -> None:
        self._inner = inner
        self._share: Share | None = None
        self._held = b""
        """Read, and not looked at: its owner has no turn yet."""
        self._turn: asyncio.TimerHandle | None = None
        self._waits = False

    def meter(self, share: Share) -> None:
        """From here on whatever is read is charged to `share`."""
        self._share = share

    def get_buffer(self, sizehint: int) -> bytearray:
        del sizehint  # the loop's wish, which is for more
        return _SLICE.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Look at it now, or when its owner has a turn; until then nothing more is read."""
        self._held += _SLICE.buffer[:nbytes]
        if self._turn is None:
            self._take_turn()

    def eof_received(self) -> None:
        self._inner.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._turn is not None:
            self._turn.cancel()
        self._wait_in_line(waits=False)
        self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()

    def _take_turn(self) -> None:
        inner, self._turn = self._inner, None
        wait = 0.0 if self._share is None else self._share.wait
        self._wait_in_line(waits=wait > 0.0)
        if wait > 0.0:
            inner.transport.pause_reading()
            self._turn = inner.loop.call_later(wait, self._go_on)
            return
        held, self._held, before = self._held, b"", inner.frames_read
        inner.data_received(held)
        if self._share is not None:
            frames = inner.frames_read - before
            self._share.charge(FRAME_SECONDS * frames + BYTE_SECONDS * len(held))

    def _go_on(self) -> None:
        self._take_turn()
        inner = self._inner
        if self._turn is None and not inner.read_paused and not inner.transport.is_closing():
            inner.transport.resume_reading()

    def _wait_in_line(self, *, waits: bool) -> None:
        """Count this socket among what waits for its owner's turn, or no longer."""
        if self._share is not None and waits is not self._waits:
            self._share.waiting += 1 if waits else -1
            self._waits = waits
