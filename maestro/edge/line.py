"""One accepted WebSocket as text frames in and out, with a bound on how long a peer may not read.

A frame goes straight into the connection's buffer where the server offers that (`WRITE_TEXT`).
Relies on the server (uvicorn: `ws_ping_interval` 15, `ws_ping_timeout` 25) for pings and for the
death of a silent peer, and on its `ws_max_size` for the size of a message before it is whole.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import cast

from starlette.websockets import WebSocket, WebSocketDisconnect

from maestro.edge.shares import Share
from protocol.errors import CloseCode

CLOSE_SECONDS = 2.0
WRITE_TEXT = "maestro.write_text"
"""An extension of the ASGI scope: write a text frame at once; False: that can't be done now."""
METER = "maestro.meter"
"""An extension of the ASGI scope: charge whatever is read of this socket to a person's share."""
INTERNAL_ERROR = 1011
"""RFC 6455: an unexpected condition. Not of the contract: only a bug of ours closes with it."""


class SocketEnded(Exception):
    """The conversation is over. `code` None: the peer is gone already."""

    def __init__(self, code: CloseCode | None) -> None:
        super().__init__(code)
        self.code = code


class BinaryFrame(Exception):
    """The peer sent bytes where text is spoken."""


class Line:
    def __init__(self, socket: WebSocket, send_seconds: float) -> None:
        self._socket = socket
        self._send_seconds = send_seconds
        extensions = cast("dict[str, object]", socket.scope.get("extensions") or {})
        self._write = cast("Callable[[bytes], bool] | None", extensions.get(WRITE_TEXT))
        self._meter = cast("Callable[[Share], None] | None", extensions.get(METER))
        self.gone = False
        """The peer is: nothing comes any more, and what is sent goes nowhere."""

    def meter(self, share: Share) -> bool:
        """Charge `share` for all that is read, frames or not. False: who receives has to."""
        if self._meter is not None:
            self._meter(share)
        return self._meter is not None

    async def receive(self) -> str | None:
        """The next text frame, None when the peer is gone. Raises BinaryFrame."""
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            self.gone = True
            return None
        text = message.get("text")
        if not isinstance(text, str):
            raise BinaryFrame
        return text

    async def send(self, frame: bytes) -> None:
        """Send one text frame. Raises SocketEnded when the peer does not read."""
        if self.gone or (self._write is not None and self._write(frame)):
            return
        try:
            async with asyncio.timeout(self._send_seconds):
                await self._socket.send({"type": "websocket.send", "text": frame.decode()})
        except TimeoutError:
            raise SocketEnded(CloseCode.SILENT) from None
        except (WebSocketDisconnect, RuntimeError):  # uvicorn's word for a socket that closes
            self.gone = True

    async def close(self, code: int) -> None:
        """Close, unless the peer reads nothing: the server drops the transport behind us."""
        with contextlib.suppress(TimeoutError, WebSocketDisconnect, RuntimeError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._socket.close(code)
