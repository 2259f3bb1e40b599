"""Run commands: streamed, bounded, and ended with everything that they started.

Knows nothing of tools, and nothing of what may be run.
"""

from executor.process.command import (
    Command,
    Ended,
    Exited,
    Lost,
    NotStarted,
    Outcome,
    Signalled,
    TimedOut,
)
from executor.process.processes import Processes

__all__ = [
    "Command",
    "Ended",
    "Exited",
    "Lost",
    "NotStarted",
    "Outcome",
    "Processes",
    "Signalled",
    "TimedOut",
]
