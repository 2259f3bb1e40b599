"""Run one maestro process: doors, worker, or both, from start to drain.

Wires ledger, bus, model, worker and edge together; none of them knows another.
"""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from maestro.bootstrap.models import open_choice, open_or_explain, warm_up
from maestro.bootstrap.stores import open_bus, open_ledger, open_limits
from maestro.domain.decision import Policy
from maestro.domain.safeguards import Limits as RunLimits
from maestro.edge.dependencies import (
    ANY_HOST,
    Auth,
    EdgeDependencies,
    NoAuth,
    SecretAuth,
    TokenAuth,
    nobody,
)
from maestro.edge.edge import Edge
from maestro.errors import LedgerUnavailable
from maestro.llm.opening import OpenedModel
from maestro.ports import Account, Accounts, Allowance, Appended, Bus, Ledger, Limits
from maestro.settings import LOOPBACK_HOSTS, Settings
from maestro.worker import Worker, WorkerSettings
from protocol.version import RELEASE

DRAIN_SECONDS = 30.0
LOCAL_ACCOUNT = Account(owner="local", name="local")
IDLE_LOOK_SECONDS = 1.0
UNWRITABLE_SECONDS = 10.0
"""So long a private maestro waits for a ledger that takes nothing: its disk is full."""

log = structlog.get_logger(__name__)

Announce = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Private:
    """A maestro of one user: its socket is bound already, its secret lives as long as it does."""

    listener: socket.socket
    secret: str = field(repr=False)
    idle_seconds: float = 300.0
    """Without anyone attached for so long, it ends."""
    forget: tuple[Path, ...] = ()
    """Files that lead here: removed once it ends by itself, so that nobody comes any more."""


@dataclass(frozen=True, slots=True)
class _Parts:
    ledger: Ledger
    accounts: Accounts
    bus: Bus
    quotas: Limits
    opened: OpenedModel


async def serve(settings: Settings, announce: Announce, private: Private | None = None) -> None:
    """Serve until SIGTERM or SIGINT, then drain; `announce` is called once all doors are open."""
    async with (
        open_ledger(settings.backends) as ledger,
        open_bus(settings.backends.redis_url) as bus,
        open_limits(settings) as quotas,
        _open_model(settings, private) as opened,
    ):
        parts = _Parts(ledger, ledger.accounts, bus, quotas, opened)
        if settings.role == "worker":
            await _work(settings, parts, announce)
        else:
            await _serve_doors(settings, parts, announce, private)


def _open_model(
    settings: Settings, private: Private | None
) -> AbstractAsyncContextManager[OpenedModel]:
    """Doors that open without a key let an operator look; a worker alone would fail every run."""
    if settings.role == "all" and private is None:
        return open_or_explain(settings.model, shared=settings.auth == "token")
    shared = settings.auth == "token" and private is None
    return open_choice(settings.model, settings.role, shared=shared)


async def _work(settings: Settings, parts: _Parts, announce: Announce) -> None:
    stopping = asyncio.Event()
    worker = Worker(parts.ledger, parts.bus, parts.opened.model, _worker_settings(settings, parts))
    with _signals(stopping.set):
        async with _working(worker):
            announce("working")
            warm_up()
            await stopping.wait()


async def _serve_doors(
    settings: Settings, parts: _Parts, announce: Announce, private: Private | None
) -> None:
    from maestro.bootstrap.http import HttpServer

    def attached(session_id: str) -> bool:
        return edge.peers.follows(session_id)

    only = attached if private is not None else None
    worker = Worker(
        parts.ledger, parts.bus, parts.opened.model, _worker_settings(settings, parts, only=only)
    )
    edge = Edge(await _dependencies(settings, parts, private, worker))
    server = HttpServer(edge, settings.listen, private and private.listener)
    async with contextlib.AsyncExitStack() as stack:
        if settings.role == "all":
            await stack.enter_async_context(_working(worker))
        stack.enter_context(_signals(server.stop))
        serving = asyncio.create_task(server.serve(), name="http")
        await server.started(serving)
        announce(server.address)
        log.info("serving", address=server.address, pid=os.getpid())
        if settings.role == "all":
            warm_up()
        if private is not None:
            stack.callback(_ending_when_idle(edge, server.stop, private).cancel)
            stack.callback(_ending_when_unwritable(parts.ledger, server.stop).cancel)
        await serving


async def _dependencies(
    settings: Settings, parts: _Parts, private: Private | None, worker: Worker
) -> EdgeDependencies:
    pending: set[asyncio.Task[None]] = set()

    def nudge(session_id: str, _appended: Appended | None) -> None:
        """Without a worker in this process: some other one's."""
        task = asyncio.create_task(parts.bus.nudge_work(session_id))
        pending.add(task)
        task.add_done_callback(pending.discard)

    return EdgeDependencies(
        ledger=parts.ledger,
        bus=parts.bus,
        auth=await _auth(settings, parts.accounts, private),
        step=worker.nudge if settings.role == "all" else nudge,
        claimant=worker.claimant if settings.role == "all" else nobody,
        model_refusal=parts.opened.model.refusal,
        quotas=parts.quotas,
        share=settings.bounds.share and settings.bounds.share / 100,
        trusted_proxies=settings.trusted_proxies,
        allowed_hosts=_hosts(settings, private),
        allowed_origins=frozenset(settings.allowed_origins),
        readiness={"model": parts.opened.check},
        version=RELEASE,
        idle_limit=private and private.idle_seconds,
    )


async def _auth(settings: Settings, accounts: Accounts, private: Private | None) -> Auth:
    if private is not None:
        return SecretAuth(private.secret, LOCAL_ACCOUNT)
    if settings.auth == "none":
        return NoAuth(LOCAL_ACCOUNT)
    return TokenAuth(accounts)


def _hosts(settings: Settings, private: Private | None) -> frozenset[str]:
    if private is not None:
        return frozenset({"localhost"})
    named = {host.lower() for host in settings.allowed_hosts}
    if ANY_HOST in named:
        return frozenset({ANY_HOST})
    if settings.listen.local:
        return frozenset({*LOOPBACK_HOSTS, *named})
    return frozenset({settings.listen.host.lower(), *named})


def _worker_settings(
    settings: Settings, parts: _Parts, only: Callable[[str], bool] | None = None
) -> WorkerSettings:
    run = settings.run
    limits = RunLimits(
        max_steps=run.max_steps,
        max_seconds=run.max_seconds,
        max_tokens=run.max_tokens,
        max_cost=run.max_cost,
    )
    return WorkerSettings(
        model=parts.opened.name,
        policy=Policy(limits=limits, park_seconds=run.park_seconds),
        generations=settings.generations,
        allowance=Allowance(settings.bounds.generations, settings.bounds.tokens_a_day),
        only=only,
    )


@asynccontextmanager
async def _working(worker: Worker) -> AsyncGenerator[None]:
    """The worker runs; at the end it finishes what it has begun, then lets go."""
    running = asyncio.create_task(worker.run(), name="worker")
    try:
        yield
    finally:
        log.info("draining", seconds=DRAIN_SECONDS)
        await worker.drain(DRAIN_SECONDS)
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


@contextlib.contextmanager
def _signals(stop: Callable[[], None]) -> Generator[None]:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


def _ending_when_idle(edge: Edge, stop: Callable[[], None], private: Private) -> asyncio.Task[None]:
    async def watch() -> None:
        idle = 0.0
        while idle < private.idle_seconds:
            await asyncio.sleep(min(IDLE_LOOK_SECONDS, private.idle_seconds - idle))
            idle = edge.peers.idle_seconds
        log.info("idle", seconds=private.idle_seconds)
        for path in private.forget:
            path.unlink(missing_ok=True)
        stop()

    return asyncio.create_task(watch(), name="idle")


def _ending_when_unwritable(ledger: Ledger, stop: Callable[[], None]) -> asyncio.Task[None]:
    """Whoever starts the next one is told in a line what is wrong, instead of waiting for ever."""

    async def watch() -> None:
        refused = 0.0
        while refused < UNWRITABLE_SECONDS:
            await asyncio.sleep(IDLE_LOOK_SECONDS)
            try:
                await ledger.check()
                refused = 0.0
            except LedgerUnavailable as error:
                refused += IDLE_LOOK_SECONDS
                log.warning("ledger_takes_nothing", error=str(error), seconds=refused)
        stop()

    return asyncio.create_task(watch(), name="unwritable")
