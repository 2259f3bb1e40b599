"""One session: frames in, calls decided and carried out, results out.

Says what it is told to; plans nothing.
"""

from executor.session.outcome import Parked, RunOver, exit_code
from executor.session.parts import CustomToolRunner, SessionParts
from executor.session.session import Session
from executor.session.start import NewSession, ResumedSession, SessionStart

__all__ = [
    "CustomToolRunner",
    "NewSession",
    "Parked",
    "ResumedSession",
    "RunOver",
    "Session",
    "SessionParts",
    "SessionStart",
    "exit_code",
]
