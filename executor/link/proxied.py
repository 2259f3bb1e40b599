"""WebSockets through a proxy, by the `websockets` library, which knows every kind of one.

Sends the token in a header, to the endpoint alone: redirects are not followed, nothing is logged.
"""

import logging
from typing import TYPE_CHECKING

from websockets.asyncio import client
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidMessage,
    InvalidStatus,
    ProxyError,
)

from executor.late_tls import bring_tls
from executor.link.endpoint import Endpoint
from executor.link.refusals import OPEN_SECONDS, no_maestro, refused, unreached
from executor.link.socket import DialFailed, SocketClosed
from executor.link.upgrade import Answer
from protocol.version import MAX_FRAME_TO_EXECUTOR, PING_SECONDS, SILENT_SECONDS

if TYPE_CHECKING:
    from ssl import SSLContext

CLOSE_SECONDS = 1.0
_ABNORMAL = 1006


class _SilentLogger(logging.Logger):
    """The library writes headers to its logger, the token among them."""

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - the standard library's name
        del level
        return False


class _Connect(client.connect):
    """Not sent elsewhere by a redirect, which could be a captive portal's."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class ProxiedSocket:
    """The library's connection behind the link's interface."""

    def __init__(self, connection: client.ClientConnection) -> None:
        self._connection = connection

    async def send(self, frame: bytes) -> None:
        try:
            await self._connection.send(frame, text=True)
        except ConnectionClosed as error:
            raise _closed(error) from error

    async def receive(self) -> str | bytes:
        try:
            return await self._connection.recv()
        except ConnectionClosed as error:
            raise _closed(error) from error

    async def close(self, code: int = 1000) -> None:
        await self._connection.close(code)


async def open_proxied(endpoint: Endpoint, tls: "SSLContext | None") -> ProxiedSocket:
    """Connect within 10 seconds. Raises DialFailed."""
    bring_tls()  # a proxy may speak it, though the maestro does not
    headers = {} if endpoint.token is None else {"Authorization": f"Bearer {endpoint.token}"}
    try:
        return ProxiedSocket(
            await _Connect(
                endpoint.url,
                additional_headers=headers,
                user_agent_header="codegen",
                proxy=True,
                compression=None,
                max_size=MAX_FRAME_TO_EXECUTOR,
                open_timeout=OPEN_SECONDS,
                close_timeout=CLOSE_SECONDS,
                ping_interval=PING_SECONDS,
                ping_timeout=SILENT_SECONDS - PING_SECONDS,
                logger=_SilentLogger(__name__),
                ssl=tls,
            )
        )
    except (OSError, InvalidHandshake, ImportError) as error:
        raise _dial_failed(endpoint, error) from error


def _dial_failed(endpoint: Endpoint, error: OSError | InvalidHandshake | ImportError) -> DialFailed:
    match error:
        case InvalidStatus(response=response):
            headers = {name.lower(): value for name, value in response.headers.raw_items()}
            return refused(Answer(response.status_code, headers, bytes(response.body or b"")))
        case ProxyError():
            return DialFailed(f"the proxy refuses: {error}", "later")
        case InvalidMessage(__cause__=EOFError()):
            return DialFailed("the connection was closed before an answer", "soon")
        case InvalidHandshake():
            return no_maestro(error)
        case ImportError():
            return DialFailed(f"this proxy needs a package that is missing: {error}", "none")
        case OSError():
            return unreached(endpoint, error)


def _closed(error: ConnectionClosed) -> SocketClosed:
    if error.rcvd is not None:
        return SocketClosed(error.rcvd.code, error.rcvd.reason)
    if error.sent is not None:
        return SocketClosed(_ABNORMAL, error.sent.reason)
    return SocketClosed(_ABNORMAL, "the connection broke")
