"""Everyone who follows a session through this process, and the pulses that serve them all.

Every 2 s one statement finds lost nudges and one finds keys that have ended; every 15 s one
refreshes `seen_at`.
Sends nothing itself: a peer is told to close, and its own task does it.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Generator

import structlog

from maestro.edge.dependencies import EdgeLimits
from maestro.edge.follower import Follower
from maestro.errors import LedgerUnavailable
from maestro.ports import Accounts, Ledger
from protocol.errors import CloseCode, ErrorCode
from protocol.from_maestro import ErrorReported

DRAIN_SECONDS = 5.0
KEY_ENDED = ErrorReported(
    ErrorCode.NOT_ALLOWED, "the key that this connection came in by was revoked or has expired"
)

log = structlog.get_logger(__name__)


class Peer:
    """One executor (with its epoch), watcher or event stream."""

    def __init__(
        self,
        session_id: str,
        follower: Follower,
        *,
        key_id: str | None = None,
        epoch: int | None = None,
    ) -> None:
        self.session_id = session_id
        self.follower = follower
        self.key_id = key_id
        self.epoch = epoch
        self.closing: CloseCode | None = None
        self.report: ErrorReported | None = None
        """To be sent before the close."""
        self.told = asyncio.Event()
        """To go at once: whatever it is being sent, it may take as long as it likes to read it."""

    def close(self, code: CloseCode, report: ErrorReported | None = None) -> None:
        """Let its follower end, at once where there is a report; the first code stays."""
        if self.closing is None:
            self.closing, self.report = code, report
        if self.report is not None:
            self.told.set()
        self.follower.stop(at_once=self.told.is_set())


class Peers:
    def __init__(self, ledger: Ledger, limits: EdgeLimits, accounts: Accounts | None) -> None:
        """`accounts`: whose keys may be revoked; None: nobody's."""
        self._ledger = ledger
        self._accounts = accounts
        self._limits = limits
        self._peers: set[Peer] = set()
        self._gone = asyncio.Event()
        self._last_left = time.monotonic()
        self.draining = False

    @property
    def count(self) -> int:
        return len(self._peers)

    @property
    def idle_seconds(self) -> float:
        """Since the last of them left, or since the start; 0 while somebody is here."""
        return 0.0 if self._peers else time.monotonic() - self._last_left

    def follows(self, session_id: str) -> bool:
        """Somebody here follows this session."""
        return any(peer.session_id == session_id for peer in self._peers)

    @contextlib.contextmanager
    def joined(self, peer: Peer) -> Generator[None]:
        self._peers.add(peer)
        if self.draining:
            peer.close(CloseCode.SERVICE_RESTART)
        try:
            yield
        finally:
            self._peers.discard(peer)
            self._last_left = time.monotonic()
            self._gone.set()

    async def drain(self) -> None:
        """Close all with 1012 and wait, for a bounded time, until they are gone."""
        self.draining = True
        for peer in self._peers:
            peer.close(CloseCode.SERVICE_RESTART)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                while self._peers:
                    self._gone.clear()
                    await self._gone.wait()

    async def pulse(self, *more: Callable[[], Awaitable[None]]) -> None:
        """Run all pulses until cancelled; `more` go with the refresh of `seen_at`."""
        async with asyncio.TaskGroup() as pulses:
            for look in (self._compare_heads, self._check_keys):
                pulses.create_task(_every(self._limits.heads_seconds, look))
            for refresh in (self._touch, *more):
                pulses.create_task(_every(self._limits.touch_seconds, refresh))

    async def _compare_heads(self) -> None:
        followed = {peer.session_id for peer in self._peers}
        if not followed:
            return
        heads = await self._ledger.heads(followed)
        for peer in tuple(self._peers):
            if peer.session_id not in followed:
                continue
            match heads.get(peer.session_id):
                case None:  # deleted
                    peer.close(CloseCode.BAD_STATE)
                case head, _:
                    peer.follower.seen(head)  # a higher epoch has a row of its own

    async def _check_keys(self) -> None:
        """Close whoever came in by a key that has expired or was revoked meanwhile."""
        key_ids = {peer.key_id for peer in self._peers if peer.key_id is not None}
        if self._accounts is None or not key_ids:
            return
        ended = key_ids - await self._accounts.valid(key_ids)
        for peer in tuple(self._peers):
            if peer.key_id in ended:
                peer.close(CloseCode.BAD_STATE, KEY_ENDED)

    async def _touch(self) -> None:
        epochs: dict[str, int] = {}
        for peer in self._peers:
            if peer.epoch is not None:
                epochs[peer.session_id] = max(peer.epoch, epochs.get(peer.session_id, 0))
        if epochs:
            await self._ledger.touch(epochs)


async def _every(seconds: float, pulse: Callable[[], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await pulse()
        except LedgerUnavailable as error:
            log.warning("pulse_missed", error=str(error))
        except Exception:  # a loop that serves every socket outlives a bug in one of its rounds
            log.exception("pulse_failed")
