"""The application: the gate, the routes and sockets behind it, health, and the pulses' lifetime.

Wires; every room beside this one does the work.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

import structlog
from fastapi import FastAPI, Request, WebSocket
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, Response

from maestro.edge import branches, sessions
from maestro.edge.auth import Gate
from maestro.edge.edge import Edge
from maestro.edge.executor_socket import ExecutorSocket
from maestro.edge.identifiers import is_session_id
from maestro.edge.readiness import Readiness
from maestro.edge.refusals import (
    NEWER_SESSION,
    NO_SUCH_SESSION,
    UNAVAILABLE,
    DeniedUpgrades,
    Refusal,
    RequestRefused,
    answer_refused,
    response,
)
from maestro.edge.watch import serve_watcher
from maestro.errors import LedgerUnavailable, NewerEvent
from maestro.ports import Account

log = structlog.get_logger(__name__)


def create_app(edge: Edge) -> FastAPI:
    """The ASGI application of `edge`; drain that first, then end its server.

    Serve it with uvicorn and these settings:

    `ws_max_size` 4 MiB, `ws_ping_interval` 15, `ws_ping_timeout` 25, `ws_per_message_deflate` off.
    """

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
        tasks = [
            asyncio.create_task(edge.pulse(), name="edge-pulse"),
            asyncio.create_task(edge.await_bus(), name="edge-bus"),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    app = FastAPI(
        title="CodeGen maestro",
        version=edge.dependencies.version,
        lifespan=lifespan,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # their pages load scripts from elsewhere
        redoc_url=None,
        middleware=[
            Middleware(DeniedUpgrades),
            Middleware(Gate, dependencies=edge.dependencies, shares=edge.shares),
        ],
    )
    app.state.edge = edge
    app.state.readiness = Readiness(edge)
    app.add_exception_handler(RequestRefused, answer_refused)
    app.add_exception_handler(LedgerUnavailable, _answer_unavailable)
    app.add_exception_handler(NewerEvent, _answer_newer)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(Exception, _answer_failed)
    app.add_api_route("/health", health)
    app.add_api_route("/ready", ready)
    app.add_api_route("/api/v1/status", status)
    app.include_router(sessions.router)
    app.include_router(branches.router)
    app.add_api_websocket_route("/ws/v1/connect", connect)
    app.add_api_websocket_route("/ws/v1/sessions/{session_id}/watch", watch)
    return app


async def health() -> dict[str, str]:
    """The process is alive; touches nothing."""
    return {"status": "ok"}


async def ready(request: Request) -> Response:
    """200 when this process can serve; else 503 and what is missing.

    A bus that was there and went is missing too, but no reason to send anybody elsewhere: runs go
    on without it, here as at every other maestro.
    """
    edge = sessions.edge_of(request)
    readiness: Readiness = request.app.state.readiness
    missing = {"process": "going down"} if edge.peers.draining else {}
    missing.update(await readiness.missing())
    can_serve = not missing or (edge.bus_answered and list(missing) == ["bus"])
    status = "ready" if not missing else "degraded" if can_serve else "not ready"
    return JSONResponse(
        {"status": status, "missing": missing, "version": edge.dependencies.version},
        200 if can_serve else 503,
    )


async def status(request: Request) -> dict[str, str | int | float | None]:
    """This process: who is here, for how long nobody was, and how long that may last."""
    edge = sessions.edge_of(request)
    return {
        "version": edge.dependencies.version,
        "attached": edge.peers.count,
        "idle_seconds": edge.peers.idle_seconds,
        "idle_limit": edge.dependencies.idle_limit,
    }


async def connect(socket: WebSocket) -> None:
    """The executor's socket."""
    edge: Edge = socket.app.state.edge
    account: Account = socket.state.account
    try:
        await sessions.may_try(edge, account)
        await sessions.may_send(edge, account)
        seat = await sessions.seat(edge, account)
    except RequestRefused as refused:
        await socket.send_denial_response(response(refused.refusal))
        return
    async with edge.seats.used(seat):
        await socket.accept()
        await ExecutorSocket(edge, account, socket).serve()


async def watch(socket: WebSocket) -> None:
    """A watcher's socket: `?after=SEQ`, everything by default."""
    edge: Edge = socket.app.state.edge
    account: Account = socket.state.account
    session_id: str = socket.path_params["session_id"]
    try:
        after = _seq(socket.query_params.get("after", "0"))
        if not is_session_id(session_id):
            raise RequestRefused(NO_SUCH_SESSION)
        await sessions.read_session(edge, account.owner, session_id, after, 1)
        seat = await sessions.seat(edge, account)
    except RequestRefused as refused:
        await socket.send_denial_response(response(refused.refusal))
        return
    except LedgerUnavailable:
        await socket.send_denial_response(response(UNAVAILABLE))
        return
    except NewerEvent:
        await socket.send_denial_response(response(NEWER_SESSION))
        return
    async with edge.seats.used(seat):
        await socket.accept()
        await serve_watcher(edge, account, session_id, socket, after)


def _seq(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise RequestRefused(Refusal(400, "invalid", "after: a seq is an integer from 0"))
    return int(text)


async def _answer_unavailable(_request: Request, _error: Exception) -> Response:
    return response(UNAVAILABLE)


async def _answer_newer(_request: Request, _error: Exception) -> Response:
    return response(NEWER_SESSION)


async def _answer_failed(_request: Request, _error: Exception) -> Response:
    """A bug of ours; the server logs it."""
    return response(Refusal(500, "internal", "the maestro failed"))


async def _answer_http(_request: Request, error: Exception) -> Response:
    """A route that is not there, or not with this method."""
    if not isinstance(error, HTTPException):
        raise error
    return response(Refusal(error.status_code, "http_error", str(error.detail)))


async def _answer_invalid(_request: Request, error: Exception) -> Response:
    """The first thing that is wrong with a request, without what the peer wrote."""
    if not isinstance(error, RequestValidationError):
        raise error
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return response(Refusal(400, "invalid", f"{place}: {first['msg']}"))
