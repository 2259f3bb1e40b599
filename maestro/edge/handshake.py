"""Open or attach the session that a handshake asks for.

Writes to the ledger, and says what to answer. Knows no socket.
"""

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import msgspec

from maestro.domain.events import ExecutorAttached, SessionOpened, UserSaid
from maestro.domain.run import run_id
from maestro.edge import tool_offers
from maestro.edge.dependencies import EdgeDependencies
from maestro.edge.identifiers import is_session_id, is_short
from maestro.edge.patience import until_available
from maestro.edge.refusals import words_of
from maestro.failpoints import hit
from maestro.ports import Attached, AttachRefused, Limited, Opened
from protocol.errors import CloseCode, ErrorCode
from protocol.from_executor import Handshake
from protocol.from_maestro import ErrorReported, SessionStarted
from protocol.version import MAX_FRAME_TO_MAESTRO, MAX_RESULT_BYTES
from protocol.wire import Frame, FrameLimits

MAX_CLIENT_TYPE = 100


@dataclass(frozen=True)
class Welcome:
    started: SessionStarted
    head: int
    after: int
    """Follow the session from this seq on."""

    @property
    def resumed_at(self) -> int | None:
        return self.head if self.started.resumed else None


@dataclass(frozen=True)
class Unwelcome:
    report: ErrorReported
    code: CloseCode


_REFUSALS = {
    "gone": (ErrorCode.RESUME_REFUSED, "no such session", CloseCode.BAD_HANDSHAKE),
    "already_attached": (
        ErrorCode.ALREADY_ATTACHED,
        "another executor is attached; resume with take_over to end it",
        CloseCode.ATTACHED_ELSEWHERE,
    ),
    "unknown_seq": (
        ErrorCode.UNKNOWN_SEQ,
        "last_seq is above this session's: resume from 0",
        CloseCode.BAD_HANDSHAKE,
    ),
}


async def welcome(
    dependencies: EdgeDependencies,
    owner: str,
    frame: Frame[Handshake],
    *,
    stopped: Callable[[], bool],
) -> Welcome | Unwelcome:
    """Committed when it returns. Waits while the ledger is away.

    Raises LedgerUnavailable when it is away and `stopped()`.
    """
    # Made once: asked again after a commit of unknown outcome, it must be the same session.
    frame = msgspec.structs.replace(frame, id=frame.id or uuid.uuid4().hex)
    handshake = frame.message
    unwelcome = _unwelcome(dependencies, handshake)
    if unwelcome is not None:
        return unwelcome
    if handshake.resume is None:
        limited = await dependencies.quotas.spend("sessions", owner)
        if limited is not None:
            return Unwelcome(rate_limited(limited), CloseCode.TOO_MANY)
    offers = tool_offers.sift(handshake.known_tools, ())
    if handshake.custom_tools:  # checking schemas takes a while: not on the loop
        offers = await asyncio.to_thread(
            tool_offers.sift, handshake.known_tools, handshake.custom_tools
        )
    attached = ExecutorAttached(
        0,
        handshake.journal_id,
        offers.known,
        offers.custom,
        handshake.limits.max_frame_bytes,
    )
    outcome = await until_available(
        lambda: _enter(dependencies, owner, frame, attached), stopped=stopped
    )
    hit("task_committed")
    if isinstance(outcome, AttachRefused):
        code, words, close_code = _REFUSALS[outcome.why]
        return Unwelcome(ErrorReported(code, words), close_code)
    resume = handshake.resume
    resumed = isinstance(outcome, Attached) or outcome.again
    run = 1
    if resumed:
        ask = partial(dependencies.ledger.run_number, outcome.session_id)
        run = await until_available(ask, stopped=stopped)
    started = SessionStarted(
        session_id=outcome.session_id,
        run_id=run_id(run),
        resumed=resumed,
        epoch=outcome.epoch,
        limits=FrameLimits(MAX_FRAME_TO_MAESTRO, MAX_RESULT_BYTES),
        tools_accepted=offers.accepted,
        tools_rejected=offers.rejected,
    )
    return Welcome(started, outcome.head, after=0 if resume is None else resume.last_seq)


def rate_limited(limited: Limited) -> ErrorReported:
    """The word before a close with 4029 that it is of use to come back from."""
    return ErrorReported(
        ErrorCode.RATE_LIMITED,
        words_of(limited),
        retryable=True,
        retry_after=round(limited.retry_after, 1),
    )


def _unwelcome(dependencies: EdgeDependencies, handshake: Handshake) -> Unwelcome | None:
    """Why this handshake is refused before the ledger is asked."""
    resume, model = handshake.resume, handshake.run.model
    if not is_short(handshake.journal_id):
        report = ErrorReported(
            ErrorCode.BAD_HANDSHAKE, "payload.journal_id: too long", field="payload.journal_id"
        )
        return Unwelcome(report, CloseCode.BAD_HANDSHAKE)
    if resume is not None and not is_session_id(resume.session_id):
        code, words, close_code = _REFUSALS["gone"]
        return Unwelcome(ErrorReported(code, words, field="payload.resume.session_id"), close_code)
    why = None if model is None else dependencies.model_refusal(model)
    if why is not None:
        report = ErrorReported(ErrorCode.NOT_ALLOWED, why, field="payload.run.model")
        return Unwelcome(report, CloseCode.BAD_HANDSHAKE)
    return None


async def _enter(
    dependencies: EdgeDependencies,
    owner: str,
    frame: Frame[Handshake],
    attached: ExecutorAttached,
) -> Opened | Attached | AttachRefused:
    handshake = frame.message
    resume = handshake.resume
    if resume is not None:
        return await dependencies.ledger.attach(
            owner,
            resume.session_id,
            attached,
            last_seq=resume.last_seq,
            take_over=resume.take_over,
        )
    return await dependencies.ledger.open_session(
        owner,
        frame.id,
        SessionOpened(
            handshake.client_type[:MAX_CLIENT_TYPE], handshake.project_spec, handshake.workspace
        ),
        attached,
        UserSaid(
            frame.id or "",
            handshake.initial_prompt,
            handshake.attachments,
            handshake.run,
        ),
    )
