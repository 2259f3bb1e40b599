"""The one shape of a refusal over HTTP: `{"error": {"code", "message"}}`.

Says it to a request and to an upgrade alike. Never repeats what the peer sent.
"""

import asyncio
import contextlib
import math
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from maestro.ports import Limited


@dataclass(frozen=True)
class Refusal:
    status: int
    code: str
    message: str
    retry_after: float | None = None
    """Seconds; a 503 without says 1."""


class RequestRefused(Exception):
    """Raised by a route; answered by `answer_refused`."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


_DENIED_SECONDS = 1.0
_LAST = frozenset({401, 403, 413})
"""Behind these the connection is closed: nobody known is on it, or a body that nobody reads."""

NO_SUCH_SESSION = Refusal(404, "no_such_session", "no such session")
"""The same for a session of somebody else."""
UNAVAILABLE = Refusal(503, "unavailable", "the database is away; try again")
NEWER_SESSION = Refusal(503, "newer_session", "a later version wrote this session: ask one")
DRAINING = Refusal(503, "draining", "this process is going down; connect again")
TOO_LARGE = Refusal(413, "too_large", "a request takes at most 4 MiB")
TOO_MANY_WAIT = Refusal(429, "rate_limited", "too many of your requests wait already", 1.0)
TOO_MANY = Refusal(503, "too_many", "this process holds as many connections as it may")


def response(refusal: Refusal) -> Response:
    headers = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "1"}}.get(refusal.status)
    if refusal.retry_after is not None:
        headers = {"Retry-After": str(math.ceil(refusal.retry_after))}
    if refusal.status in _LAST:
        headers = {**(headers or {}), "Connection": "close"}
    body = {"error": {"code": refusal.code, "message": refusal.message}}
    return JSONResponse(body, refusal.status, headers)


def too_many(limited: Limited) -> Refusal:
    """The answer to a request, or an upgrade, of somebody who is at a limit."""
    return Refusal(429, "rate_limited", words_of(limited), limited.retry_after)


def words_of(limited: Limited) -> str:
    match limited.what:
        case "failures":
            return f"more than {limited.bound} failed attempts in a minute"
        case "sessions":
            return f"you opened {limited.bound} sessions within an hour, the most that one may"
        case "bytes":
            return f"you sent more than {limited.bound} bytes within a minute"
        case "requests":
            return f"you made more than {limited.bound} requests within a minute"
        case "sockets":
            return f"you have {limited.bound} connections, the most that one person may have"


async def refuse(refusal: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request, or an upgrade that was not accepted yet."""
    if scope["type"] == "websocket":
        await WebSocket(scope, receive, send).send_denial_response(response(refusal))
    else:
        await response(refusal)(scope, receive, send)


async def answer_refused(_request: Request, error: Exception) -> Response:
    """The exception handler of RequestRefused."""
    if not isinstance(error, RequestRefused):
        raise error
    return response(error.refusal)


class DeniedUpgrades:
    """ASGI middleware: stay until a refused upgrade's connection is gone.

    uvicorn logs an error for an application that returns before.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        denied = False

        async def watched(message: Message) -> None:
            nonlocal denied
            denied = denied or message["type"] == "websocket.http.response.start"
            await send(message)

        await self._app(scope, receive, watched)
        if denied:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_DENIED_SECONDS):
                    await _disconnected(receive)
                    await _disconnected(receive)


async def _disconnected(receive: Receive) -> None:
    """uvicorn says it twice: once with the answer, once when the connection is lost."""
    while (await receive())["type"] != "websocket.disconnect":
        pass
