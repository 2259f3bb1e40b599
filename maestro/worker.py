"""Make the steps of sessions: those that are nudged, and those that the ledger says are due.

One task a session, so no two steps of one session run at once in a process. Knows when steps are
made and nothing of what they do.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable

import msgspec
import structlog

from maestro.domain.decision import Policy
from maestro.domain.events import ExecutorLost
from maestro.errors import BusUnavailable, LedgerUnavailable, NewerEvent
from maestro.failpoints import hit
from maestro.planning.generation import Bounds, Generator
from maestro.planning.held import HeldSession, HeldSessions
from maestro.planning.step import Stepper
from maestro.ports import UNBOUNDED, Allowance, Appended, Bus, Claimant, HeadMoved, Ledger, Model

log = structlog.get_logger(__name__)

_STEPS_AT_ONCE = 1000
"""Steps of one session without a pause; then it waits for the next look at what is due."""
_FAILURES = 5
"""Unexpected failures in a row before a run ends as internal."""
_LONGEST_PAUSE = 60.0
"""Seconds before a session whose step failed is tried again."""
_DUE = 100
_DUE_OF_OTHERS = 10_000
"""Sessions asked for at once; a worker that steps only its own must see past all others."""
_BEHIND_A_LEASE = 0.01
"""Seconds after the end of a lease that nobody renewed, by the database's clock."""


class WorkerSettings(msgspec.Struct, frozen=True):
    """Times in seconds."""

    model: str
    """`provider/name`, for sessions that wish for none."""
    policy: Policy = Policy()
    generations: int = 32
    """Made at once."""
    allowance: Allowance = UNBOUNDED
    """What the runs of one person may cost, over all workers."""
    held_bytes: int = 64 * 1024 * 1024
    """Of folded sessions that are kept."""
    look_for_due: float = 1.0
    settle: float = 0.05
    """Before a session that waits is left to its timer: most facts come sooner, and save it."""
    renew: float = 2.0
    look_for_lost: float = 10.0
    first_pause: float = 0.5
    """Before a session whose step failed is tried again; doubled each time."""
    only: Callable[[str], bool] | None = None
    """Which sessions this worker steps; None: all."""


class Worker:
    """`run` until it is cancelled; `drain` before that to leave nothing half done."""

    def __init__(self, ledger: Ledger, bus: Bus, model: Model, settings: WorkerSettings) -> None:
        self._ledger = ledger
        self._bus = bus
        self._settings = settings
        self.name = secrets.token_hex(8)
        """Of the holder of its claims."""
        self._claimant = Claimant(self.name, settings.allowance)
        self._generator = Generator(
            ledger,
            bus,
            model,
            self.name,
            Bounds(settings.generations, settings.policy.poison_claims, settings.allowance),
        )
        self._stepper = Stepper(ledger, bus, self._generator, settings.policy, settings.settle)
        self._held = HeldSessions(settings.model, settings.held_bytes)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._looks: dict[str, asyncio.Task[None]] = {}
        self._look_again: set[str] = set()
        self._returned: set[asyncio.Task[None]] = set()
        """Claims on their way back that came with an answer when no step was to begin any more."""
        self._failures = Failures(settings.first_pause)
        self._unreadable: set[str] = set()
        """Sessions that a newer version wrote: left to one of its workers."""
        self._draining = False
        self._taking: asyncio.Task[None] | None = None

    def claimant(self, session_id: str) -> Claimant | None:
        """Who claims this session with the answer that it waits for; None: nobody here does."""
        could = self._may_step(session_id) and self._generator.has_room
        return self._claimant if could and self._held.get(session_id) else None

    def nudge(self, session_id: str, appended: Appended | None = None) -> None:
        """Something happened in this session: step it, or look whether to stop what is made.

        `appended`: what happened, where it was written by this process.
        """
        if not self._may_step(session_id):
            if appended is not None and appended.claim is not None:
                returned = asyncio.create_task(self._generator.give_back(appended.claim))
                self._returned.add(returned)
                returned.add_done_callback(self._returned.discard)
            return
        held = self._held.get(session_id)
        if held is not None and appended is not None and appended.written is not None:
            held.tell(appended.written, appended.claim)
        if session_id not in self._tasks:
            self._tasks[session_id] = asyncio.create_task(self._keep_stepping(session_id))
            return
        if held is not None:
            held.stirred.set()
        if session_id in self._looks:
            self._look_again.add(session_id)
        elif held is not None and held.attempt is not None:
            self._looks[session_id] = asyncio.create_task(self._look(held))

    async def run(self) -> None:
        """Until cancelled: step what the bus and the ledger name, hold on to the claims."""
        settings = self._settings
        async with asyncio.TaskGroup() as loops:
            self._taking = loops.create_task(self._take_work())
            loops.create_task(_every(settings.look_for_due, self._look_for_due))
            loops.create_task(_every(settings.renew, self._renew))
            loops.create_task(_every(settings.look_for_lost, self._look_for_lost))

    async def drain(self, seconds: float) -> None:
        """Begin nothing more, give what is being made `seconds`, then give the claims back.

        `run` goes on meanwhile, so that the claims hold. What there is to do after them is handed
        to the other workers at once.
        """
        self._draining = True
        if self._taking is not None:
            self._taking.cancel()
        for held in self._held.all().values():
            if held.attempt is not None and held.attempt.claim is None:
                held.attempt.stop()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks.values(), timeout=seconds)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)
        if self._returned:
            await asyncio.wait(self._returned, timeout=seconds)

    def _may_step(self, session_id: str) -> bool:
        if self._draining or session_id in self._unreadable:
            return False
        if self._failures.is_resting(session_id, _now()):
            return False
        return self._settings.only is None or self._settings.only(session_id)

    async def _keep_stepping(self, session_id: str) -> None:
        """The one task of a session, until there is nothing to do for it."""
        held = self._held.hold(session_id)
        try:
            for _ in range(_STEPS_AT_ONCE):
                held.stirred.clear()
                again = await self._step(held)
                self._failures.forget(session_id)
                if self._draining:
                    await self._stepper.read(held)  # tells the bus of what was written last
                    if again:
                        await self._bus.nudge_work(session_id)
                    break
                if not again and not held.stirred.is_set():
                    break
        except LedgerUnavailable as error:
            log.warning("ledger_away", session_id=session_id, error=str(error))
        except NewerEvent as error:
            self._held.drop(session_id)
            self._unreadable.add(session_id)
            log.warning("session_of_a_newer_version", session_id=session_id, error=str(error))
        except Exception:  # whatever one session's step meets, the others go on
            self._held.drop(session_id)
            pause = self._failures.count(session_id, _now())
            log.exception("step_failed", session_id=session_id, again_in=pause)
        finally:
            del self._tasks[session_id]
            self._held.weigh(session_id, self._tasks)

    async def _step(self, held: HeldSession) -> bool:
        if self._failures.too_many(held.session_id):
            await self._stepper.fail(held, "The maestro failed at this session again and again.")
            return True
        return await self._stepper.step(held)

    def held_bytes(self) -> int:
        """What the folded sessions take, roughly."""
        return self._held.bytes

    async def _look(self, held: HeldSession) -> None:
        """Stop what is being made where an interrupt or another worker has left it behind."""
        session_id, attempt = held.session_id, held.attempt
        try:
            while attempt is not None and attempt is held.attempt:
                self._look_again.discard(session_id)
                after = held.transcript.seq
                loaded = await self._ledger.load(session_id, after=after, limit=1)
                row = None if loaded is None else loaded.row
                if row is None or attempt.has_moved(row.decision, row.attempt):
                    attempt.stop()
                if session_id not in self._look_again:
                    break
        except (LedgerUnavailable, NewerEvent) as error:
            log.warning("look_failed", session_id=session_id, error=str(error))
        finally:
            del self._looks[session_id]

    async def _take_work(self) -> None:
        while True:
            try:
                async for session_id in self._bus.work():
                    self.nudge(session_id)
            except BusUnavailable as error:
                log.warning("bus_away", error=str(error))
            await asyncio.sleep(self._settings.look_for_due)

    async def _look_for_due(self) -> None:
        settings = self._settings
        limit = _DUE + settings.generations if settings.only is None else _DUE_OF_OTHERS
        # A lease that is renewed never comes near its end: one that does has lost its owner.
        soon = min(settings.look_for_due, settings.renew)
        due = await self._ledger.due(limit, worker=self.name, soon=soon)
        for session_id, seconds in due.items():
            if session_id in self._tasks:
                continue
            if seconds > 0.0:
                loop = asyncio.get_running_loop()
                loop.call_later(seconds + _BEHIND_A_LEASE, self.nudge, session_id)
            else:
                self.nudge(session_id)

    async def _renew(self) -> None:
        """Hold on to the claims, and stop what is being made under one that was lost."""
        held = self._held.all().items()
        made = {id_: each.attempt for id_, each in held if each.attempt is not None}
        claims = {id_: attempt.claim for id_, attempt in made.items()}
        if not any(claims.values()):
            return
        hit("lease_renew")
        rows = await self._ledger.renew(self.name)
        for session_id, attempt in made.items():
            claim = claims[session_id]
            # A claim that was taken or changed while the ledger answered is not in the answer.
            if claim is None or attempt.claim is not claim or attempt.is_changing:
                continue
            if rows.get(session_id) != (claim.decision, claim.attempt):
                hit("lease_lost")
                attempt.stop()

    async def _look_for_lost(self) -> None:
        """Executors whose edge died without a word."""
        for owner, session_id, epoch in await self._ledger.lost_executors():
            lost = await self._ledger.append_fact(
                owner, session_id, f"lost:{epoch}", ExecutorLost(epoch)
            )
            if isinstance(lost, Appended):
                await self._bus.publish(session_id, HeadMoved(lost.head))
                self.nudge(session_id)


class Failures:
    """Sessions whose steps failed for reasons nobody foresaw: how often, and when to try again."""

    def __init__(self, first_pause: float) -> None:
        self._first_pause = first_pause
        self._failed: dict[str, tuple[int, float]] = {}

    def count(self, session_id: str, now: float) -> float:
        """One more; the seconds until the next try."""
        times = self._failed.get(session_id, (0, 0.0))[0] + 1
        pause = min(_LONGEST_PAUSE, self._first_pause * 2 ** (times - 1))
        self._failed[session_id] = (times, now + pause)
        return pause

    def forget(self, session_id: str) -> None:
        self._failed.pop(session_id, None)

    def is_resting(self, session_id: str, now: float) -> bool:
        return now < self._failed.get(session_id, (0, 0.0))[1]

    def too_many(self, session_id: str) -> bool:
        return self._failed.get(session_id, (0, 0.0))[0] >= _FAILURES


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _every(seconds: float, look: Callable[[], Awaitable[None]]) -> None:
    """`look` again and again; an outage is told when it begins and when it ends."""
    is_away = False
    while True:
        try:
            await look()
        except (LedgerUnavailable, BusUnavailable) as error:
            if not is_away:
                log.warning("away", look=look.__name__, error=str(error))
            is_away = True
        except Exception:  # one bad round must not end the worker
            log.exception("look_failed", look=look.__name__)
        else:
            if is_away:
                log.info("back", look=look.__name__)
            is_away = False
        await asyncio.sleep(seconds)
