"""How a run ended, and the exit code that tells the truth about it.

A table and one function over it; prints nothing.
"""

import msgspec

from executor.errors import ExecutorError, ServerRefused, ServerUnreachable, UsageError
from executor.view.port import RunSummary
from protocol.from_maestro import EndReason

COMPLETED = 0
FAILED = 1
BAD_USAGE = 2
COMPLETED_WITHOUT_A_CALL = 3
"""Completed, but a call was denied for want of a terminal."""
LIMIT = 4
MODEL_ERROR = 5
UNREACHABLE = 6
UNVERIFIED = 7
INTERRUPTED = 130

_BY_REASON: dict[EndReason, int] = {
    "completed": COMPLETED,
    "unverified": UNVERIFIED,
    "failed": FAILED,
    "interrupted": INTERRUPTED,
    "max_steps": LIMIT,
    "max_seconds": LIMIT,
    "max_tokens": LIMIT,
    "max_cost": LIMIT,
    "loop": LIMIT,
    "model_error": MODEL_ERROR,
    "tool_protocol": MODEL_ERROR,
    "internal": FAILED,
}


class Parked(msgspec.Struct, frozen=True):
    """The run waits for something that no one here can hasten; the session can be resumed."""

    session_id: str
    why: str
    """As the maestro says it: begins with the reason, `rate_limited` for one."""


RunOver = RunSummary | Parked


def exit_code(end: RunOver | ExecutorError | KeyboardInterrupt) -> int:
    match end:
        case RunSummary(finished=finished, denials=denials):
            code = _BY_REASON[finished.reason]
            unasked = any(denial.for_want_of_terminal for denial in denials)
            return COMPLETED_WITHOUT_A_CALL if code == COMPLETED and unasked else code
        case Parked(why=why):
            return MODEL_ERROR if why.startswith(("rate_limit", "rate limit")) else FAILED
        case UsageError():
            return BAD_USAGE
        case ServerRefused() | ServerUnreachable():
            return UNREACHABLE
        case KeyboardInterrupt():
            return INTERRUPTED
        case ExecutorError():
            return FAILED
