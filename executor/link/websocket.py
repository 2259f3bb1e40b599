"""WebSockets by the `websockets` library: connect, and say in one line why it did not work.

Sends the token in a header, to the endpoint alone: redirects are not followed, nothing is logged.
"""

import logging
import socket
import ssl
from http import HTTPStatus
from typing import Any

import msgspec
from websockets.asyncio import client
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidMessage,
    InvalidStatus,
    ProxyError,
)

from executor.errors import UsageError
from executor.link.endpoint import Endpoint
from executor.link.socket import DialFailed, Hope, SocketClosed
from protocol.version import MAX_FRAME_TO_EXECUTOR, PING_SECONDS, SILENT_SECONDS

OPEN_SECONDS = 10.0
CLOSE_SECONDS = 1.0
_ABNORMAL = 1006
_WORDS = 300
"""Characters of a refusal that are shown."""


class _Words(msgspec.Struct):
    message: str


class _Refusal(msgspec.Struct):
    """The body of a maestro's refusal."""

    error: _Words


class _SilentLogger(logging.Logger):
    """The library writes headers to its logger, the token among them."""

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - the standard library's name
        del level
        return False


class _Connect(client.connect):
    """Not sent elsewhere by a redirect, which could be a captive portal's."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class WebSocket:
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


async def open_websocket(endpoint: Endpoint) -> WebSocket:
    """Connect within 10 seconds. Raises DialFailed."""
    options: dict[str, Any] = {}
    if endpoint.socket is not None:
        options = {"unix": True, "path": str(endpoint.socket)}
    elif endpoint.url.startswith("wss:"):
        options = {"ssl": _trust(endpoint)}
    headers = {} if endpoint.token is None else {"Authorization": f"Bearer {endpoint.token}"}
    try:
        return WebSocket(
            await _Connect(
                endpoint.url,
                additional_headers=headers,
                user_agent_header="codegen",
                proxy=None if endpoint.direct else True,
                compression=None,
                max_size=MAX_FRAME_TO_EXECUTOR,
                open_timeout=OPEN_SECONDS,
                close_timeout=CLOSE_SECONDS,
                ping_interval=PING_SECONDS,
                ping_timeout=SILENT_SECONDS - PING_SECONDS,
                logger=_SilentLogger(__name__),
                **options,
            )
        )
    except (OSError, InvalidHandshake, ImportError) as error:
        raise _dial_failed(endpoint, error) from error


def _trust(endpoint: Endpoint) -> ssl.SSLContext:
    import truststore  # noqa: PLC0415 - only wss needs what it takes to start

    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if endpoint.ca_file is not None:
        try:
            context.load_verify_locations(endpoint.ca_file)
        except OSError as error:
            raise UsageError(
                f"{endpoint.ca_file}: no certificates can be read from it: {error}"
            ) from error
    return context


def _dial_failed(endpoint: Endpoint, error: OSError | InvalidHandshake | ImportError) -> DialFailed:
    match error:
        case InvalidStatus():
            return _status_failed(error)
        case ProxyError():
            return DialFailed(f"the proxy refuses: {error}", "later")
        case InvalidMessage(__cause__=EOFError()):
            return DialFailed("the connection was closed before an answer", "soon")
        case InvalidHandshake():
            return DialFailed(f"what answers is not a maestro: {error}", "later")
        case ImportError():
            return DialFailed(f"this proxy needs a package that is missing: {error}", "none")
        case ssl.SSLCertVerificationError(verify_message=why):
            return DialFailed(f"its certificate is not trusted: {why}", "later")
        case ssl.SSLError():
            return DialFailed(f"no TLS connection: {error.reason or error}", "later")
        case socket.gaierror():
            return DialFailed("its name is not known (DNS)", "later")
        case TimeoutError():
            return DialFailed(f"no answer within {OPEN_SECONDS:.0f} s", "later")
        case ConnectionRefusedError():
            return DialFailed("nobody listens there (connection refused)", "later")
        case FileNotFoundError() if endpoint.socket is not None:
            return DialFailed("there is no such socket", "later")
        case ConnectionResetError():
            return DialFailed("the connection was reset", "soon")
        case OSError():
            return DialFailed(error.strerror or str(error), "later")


def _status_failed(error: InvalidStatus) -> DialFailed:
    code = error.response.status_code
    kind = error.response.headers.get("Content-Type", "").split(";")[0]
    hope: Hope = "later"
    match code:
        case 401:
            why, hope = "the token is missing or wrong: see codegen login", "none"
        case 403:
            why, hope = "it refuses this client", "none"
        case 404:
            why = "there is no maestro at this path"
        case 300 | 301 | 302 | 303 | 307 | 308:
            why = "it sends to another address, as the sign-in page of a network does"
        case 429:
            return _limited(error)
        case 500 | 502 | 503 | 504:
            why, hope = f"it can't serve now: {_phrase(code)}", "busy"
        case _ if kind == "text/html":
            why = "a web page answers, not a maestro"
        case _:
            why = "what answers is not a maestro"
    return DialFailed(f"{why} (HTTP {code})", hope)


def _limited(error: InvalidStatus) -> DialFailed:
    """The user is at a limit: in the maestro's own words, with the time that it names."""
    given = error.response.headers.get("Retry-After", "")
    seconds = float(given) if given.isdecimal() and len(given) < 6 else None
    try:
        words = msgspec.json.decode(error.response.body or b"", type=_Refusal).error.message
    except msgspec.DecodeError:
        words = _phrase(HTTPStatus.TOO_MANY_REQUESTS)
    again = "" if seconds is None else f"; again in {seconds:.0f} s"
    why = f"it can't serve now: {words[:_WORDS]}{again} (HTTP 429)"
    return DialFailed(why, "busy", retry_after=seconds)


def _phrase(code: int) -> str:
    return HTTPStatus(code).phrase.lower()


def _closed(error: ConnectionClosed) -> SocketClosed:
    if error.rcvd is not None:
        return SocketClosed(error.rcvd.code, error.rcvd.reason)
    if error.sent is not None:
        return SocketClosed(_ABNORMAL, error.sent.reason)
    return SocketClosed(_ABNORMAL, "the connection broke")
