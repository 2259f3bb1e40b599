"""Make one generation under its claim: stream the model's parts, show them, tell what came of it.

Appends nothing: the step does, fenced by the claim that is handed back.
"""

import asyncio
import contextlib

import msgspec

from maestro.domain.conversation import ReasoningDelta, Reply, Retrying, TextDelta
from maestro.domain.run import generation_id
from maestro.errors import LedgerUnavailable, ModelError
from maestro.failpoints import hit
from maestro.planning.held import Attempt, HeldSession
from maestro.planning.live_text import LiveText, pace_of
from maestro.ports import (
    UNBOUNDED,
    Allowance,
    Bus,
    Claim,
    Exhausted,
    Ledger,
    Live,
    Model,
    SessionRow,
)
from protocol.from_maestro import StatusChanged


class Bounds(msgspec.Struct, frozen=True):
    slots: int
    """How many generations one worker makes at once."""
    poison_claims: int
    """Claims in a row that ran out before a session is set aside."""
    allowance: Allowance = UNBOUNDED
    """Of each person, over all workers."""


class Made(msgspec.Struct, frozen=True):
    """The model replied; the claim is held until the append."""

    claim: Claim
    generation_id: str
    basis: int
    reply: Reply


class Failed(msgspec.Struct, frozen=True):
    """The model failed for good; the claim is held until the append."""

    claim: Claim
    generation_id: str
    basis: int
    error: ModelError


class Stopped(msgspec.Struct, frozen=True):
    """The session moved on meanwhile: look again."""


class Taken(msgspec.Struct, frozen=True):
    """Another worker is making it."""


Generated = Made | Failed | Stopped | Taken | Exhausted


class Generator:
    def __init__(self, ledger: Ledger, bus: Bus, model: Model, worker: str, bounds: Bounds) -> None:
        """`worker` names the claims' holder."""
        self._ledger = ledger
        self._bus = bus
        self._model = model
        self._worker = worker
        self._slots = asyncio.Semaphore(bounds.slots)
        self._bounds = bounds
        self._streams = 0

    async def generate(
        self, held: HeldSession, row: SessionRow, seconds: float | None
    ) -> Generated:
        """Stopped after `seconds`. Raises LedgerUnavailable; either way the claim is given back."""
        scope = asyncio.timeout(seconds)
        attempt = Attempt(row.decision, scope)
        try:
            try:
                async with scope:
                    held.attempt = attempt
                    return await self._generate(held, row, attempt)
            finally:
                held.attempt = None
                attempt.is_over = True
        except TimeoutError:
            await self._release(attempt)
            if not scope.expired():
                raise
            return Stopped()
        except BaseException:
            await self._release(attempt)
            raise

    @property
    def has_room(self) -> bool:
        """A generation could begin at once."""
        return not self._slots.locked()

    async def give_back(self, claim: Claim | None) -> None:
        """Of a generation that is not made."""
        if claim is not None:
            with contextlib.suppress(LedgerUnavailable):
                await self._ledger.release(claim)

    async def _generate(self, held: HeldSession, row: SessionRow, attempt: Attempt) -> Generated:
        if not self.has_room:  # others may have: nobody renews a claim that waits
            await self.give_back(held.take_claim(row))
        async with self._slots:
            claim: Claim | Exhausted | None = held.take_claim(row)
            if claim is None:
                claim = await self._claim(held.session_id, attempt)
            if claim is None:
                return Taken()
            if isinstance(claim, Exhausted):
                return claim
            attempt.claim = claim
            if claim.lost >= self._bounds.poison_claims:
                await self._release(attempt)
                return Stopped()
            return await self._stream(held, attempt, claim)

    async def _claim(self, session_id: str, attempt: Attempt) -> Claim | Exhausted | None:
        """Stopped meanwhile, it still learns whether it has the claim, which is then given back."""
        asked = asyncio.ensure_future(
            self._ledger.claim(session_id, self._worker, attempt.decision, self._bounds.allowance)
        )
        try:
            return await asyncio.shield(asked)
        except asyncio.CancelledError:
            with contextlib.suppress(LedgerUnavailable):
                late = await asked
                attempt.claim = late if isinstance(late, Claim) else None
            raise

    async def _stream(self, held: HeldSession, attempt: Attempt, claim: Claim) -> Generated:
        request, basis = held.planner.request(), held.transcript.seq
        run = held.transcript.runs
        name = generation_id(run, claim.decision, claim.attempt)
        reply: Reply | None = None
        hit("before_llm")
        self._streams += 1
        try:
            async with (
                contextlib.aclosing(self._model.generate(request)) as stream,
                LiveText(self._bus, held.session_id, name, self._pace) as live,
            ):
                async for part in stream:
                    hit("mid_stream")
                    match part:
                        case TextDelta() | ReasoningDelta():
                            await live.add(part)
                        case Retrying():
                            attempt.is_changing = True
                            again = await self._ledger.reattempt(claim)
                            if again is None:
                                return Stopped()
                            attempt.claim = claim = again
                            attempt.is_changing = False
                            name = generation_id(run, claim.decision, claim.attempt)
                            live.begin(name)
                            await self._say_why(held, part)
                        case Reply():
                            reply = part
        except ModelError as error:
            return Failed(claim, name, basis, error)
        finally:
            self._streams -= 1
        if reply is None:
            error = ModelError("broken_stream", "The model's stream ended without a reply.")
            return Failed(claim, name, basis, error)
        return Made(claim, name, basis, reply)

    def _pace(self) -> float:
        return pace_of(self._streams)

    async def _say_why(self, held: HeldSession, retrying: Retrying) -> None:
        step = f"{retrying.why[:200]}; trying again in {max(1, round(retrying.delay))} s"
        status = StatusChanged("running", held.transcript.progress(), step)
        await self._bus.publish(held.session_id, Live(status))

    async def _release(self, attempt: Attempt) -> None:
        await self.give_back(attempt.claim)
