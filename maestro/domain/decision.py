"""What a session needs next: one pure function of its transcript, its row and the clock.

Does nothing itself; the step carries a decision out and the ledger fences it.
"""

from collections.abc import Iterator
from typing import Literal, Protocol

import msgspec

from maestro.domain.events import RunParked
from maestro.domain.run import Run
from maestro.domain.safeguards import Limits, enough, out_of_time, time_is_up_at
from maestro.domain.transcript import Transcript
from maestro.domain.wording import capped
from protocol.from_maestro import EndReason, Outcome
from protocol.version import BOOTSTRAP_GENERATION
from protocol.wire import JsonObject

MAX_SUMMARY = 4000
"""Characters of `run_finished.summary`."""

BOOTSTRAP: tuple[tuple[str, JsonObject], ...] = (
    ("GetWorkingDirectory", {}),
    ("ReadFolder", {"dir_path": "."}),
    ("ReadFile", {"file_path": ".codegen/plan.md"}),
    ("Shell", {"command": "git log --oneline -10"}),
)
"""The calls that gather context before the first generation."""


class Policy(msgspec.Struct, frozen=True):
    """The maestro's constants; times in seconds."""

    limits: Limits = Limits()
    park_seconds: float = 600.0
    """How long a run goes on without an executor."""
    bootstrap_seconds: float = 10.0
    cancel_seconds: float = 5.0
    """How long cancelled calls are waited for before the run ends."""
    poison_claims: int = 3
    """Claims in a row that ran out before the session is set aside."""


class Circumstances(Protocol):
    """What of a session's row matters here; see `maestro.ports.SessionRow`."""

    @property
    def head(self) -> int: ...
    @property
    def now(self) -> float: ...
    @property
    def attached(self) -> bool: ...
    @property
    def seen_ago(self) -> float: ...
    @property
    def lost(self) -> int: ...


class Nothing(msgspec.Struct, frozen=True):
    """No run is open."""


class Wait(msgspec.Struct, frozen=True):
    """For a fact, at most until `due_at` (Unix seconds)."""

    due_at: float | None


class Wake(msgspec.Struct, frozen=True):
    pass


class Park(msgspec.Struct, frozen=True):
    reason: Literal["executor_away", "rate_limited", "poison"]
    wake_at: float | None = None


class CancelCalls(msgspec.Struct, frozen=True):
    """Those of the bootstrap are closed by it, others may still be answered."""

    tool_ids: tuple[str, ...]


class End(msgspec.Struct, frozen=True):
    outcome: Outcome
    reason: EndReason
    summary: str
    basis: int
    """What the user said above this seq opens the next run."""


class AskBootstrap(msgspec.Struct, frozen=True):
    calls: tuple[tuple[str, JsonObject], ...]


class Generate(msgspec.Struct, frozen=True):
    pass


Decided = Nothing | Wait | Wake | Park | CancelCalls | End | AskBootstrap | Generate


def decide(transcript: Transcript, row: Circumstances, policy: Policy) -> Decided:
    """The first that applies. `transcript` is folded up to `row.head`."""
    run = transcript.run
    if run is None:
        return Nothing()
    if transcript.parked is not None:
        return _parked(transcript, transcript.parked, row)
    limits = policy.limits.tightened(transcript.wishes.limits)
    return (
        _interrupted(transcript, row, policy)
        or _completed(transcript, row)
        or _safeguarded(transcript, run, limits, row, policy)
        or _away(row, policy)
        or _bootstrap(transcript, row, policy)
        or _waiting(transcript, run, limits, row, policy)
        or _poisoned(row, policy)
        or Generate()
    )


def seconds_left(transcript: Transcript, row: Circumstances, policy: Policy) -> float | None:
    """How long a generation may take before the run's time is up; None: the clock stands still."""
    if transcript.run is None:
        return None
    limits = policy.limits.tightened(transcript.wishes.limits)
    until = time_is_up_at(transcript.run, limits, row.now)
    return None if until is None else max(0.0, until - row.now)


def _parked(transcript: Transcript, parked: RunParked, row: Circumstances) -> Wake | Wait:
    if transcript.interrupted is not None or transcript.dialogue.has_unread(after=parked.basis):
        return Wake()
    match parked.reason:
        case "executor_away":
            return Wake() if row.attached else Wait(None)
        case "rate_limited":
            due = parked.wake_at is None or parked.wake_at <= row.now
            return Wake() if due else Wait(parked.wake_at)
        case "poison":
            return Wait(None)


def _interrupted(
    transcript: Transcript, row: Circumstances, policy: Policy
) -> CancelCalls | Wait | End | None:
    if transcript.interrupted is None:
        return None
    basis = _leaving_unread(transcript, transcript.interrupted, row)
    return _stop(transcript, row, policy, End("interrupted", "interrupted", "", basis))


def _completed(transcript: Transcript, row: Circumstances) -> End | None:
    """The last reply had no calls, and nothing was said after it."""
    exchange = transcript.dialogue.exchange
    if exchange is None or exchange.calls or exchange.is_poor():
        return None
    if transcript.dialogue.has_unread():
        return None
    return End("success", "completed", capped(exchange.reply.text, MAX_SUMMARY), row.head)


def _safeguarded(
    transcript: Transcript, run: Run, limits: Limits, row: Circumstances, policy: Policy
) -> CancelCalls | Wait | End | None:
    """Time may run out at any moment; the rest is looked at before the next generation."""
    tripped = out_of_time(run, limits, row.now)
    if tripped is None and not transcript.open:
        tripped = enough(run, transcript.traces(), limits)
    if tripped is None:
        return None
    exchange = transcript.dialogue.exchange
    basis = _leaving_unread(transcript, exchange.reply.basis, row) if exchange else row.head
    return _stop(transcript, row, policy, End("error", tripped.reason, tripped.summary, basis))


def _stop(
    transcript: Transcript, row: Circumstances, policy: Policy, end: End
) -> CancelCalls | Wait | End:
    """Cancel what is open, give it a moment to be answered, then end."""
    running = [id_ for id_, call in transcript.open.items() if call.cancelled_at is None]
    if running:
        return CancelCalls(tuple(running))
    cancelled = [call.cancelled_at or 0.0 for call in transcript.open.values()]
    if cancelled and row.attached:
        due_at = max(cancelled) + policy.cancel_seconds
        if row.now < due_at:
            return Wait(due_at)
    return end


def _leaving_unread(transcript: Transcript, after: int, row: Circumstances) -> int:
    """The basis of an end that leaves what was said above `after` to the next run."""
    return after if transcript.dialogue.has_unread(after) else row.head


def _away(row: Circumstances, policy: Policy) -> Park | None:
    if row.attached or row.seen_ago < policy.park_seconds:
        return None
    return Park("executor_away")


def _bootstrap(
    transcript: Transcript, row: Circumstances, policy: Policy
) -> AskBootstrap | CancelCalls | None:
    if transcript.bootstrap is None:
        known = transcript.attached.known_tools if transcript.attached else ()
        calls = tuple(call for call in BOOTSTRAP if call[0] in known)
        return AskBootstrap(calls) if calls and not transcript.generated else None
    late = row.now >= transcript.bootstrap_at + policy.bootstrap_seconds
    open_calls = tuple(_open_bootstrap(transcript))
    return CancelCalls(open_calls) if late and open_calls else None


def _open_bootstrap(transcript: Transcript) -> Iterator[str]:
    return (
        tool_id
        for tool_id, call in transcript.open.items()
        if call.asked.generation_id == BOOTSTRAP_GENERATION
    )


def _waiting(
    transcript: Transcript, run: Run, limits: Limits, row: Circumstances, policy: Policy
) -> Wait | None:
    """Calls are open: wait for them, but no longer than the next thing that time alone brings."""
    if not transcript.open:
        return None
    times = [time_is_up_at(run, limits, row.now)]
    if not row.attached:
        times.append(row.now + policy.park_seconds - row.seen_ago)
    if any(_open_bootstrap(transcript)):
        times.append(transcript.bootstrap_at + policy.bootstrap_seconds)
    return Wait(min((time for time in times if time is not None), default=None))


def _poisoned(row: Circumstances, policy: Policy) -> Park | None:
    return Park("poison") if row.lost >= policy.poison_claims else None
