"""The journal: what this machine did for a session, on disk before it counts.

One file per session; knows neither the socket nor the tools.
"""

from executor.journal.journal import (
    Accepted,
    CallState,
    Finished,
    Journal,
    Running,
    StartedByGoneProcess,
    Unknown,
)
from executor.journal.listing import JournalHead, delete_journal, find_journal, journals, prune
from executor.journal.opening import create_journal, journal_without_file, open_journal

__all__ = [
    "Accepted",
    "CallState",
    "Finished",
    "Journal",
    "JournalHead",
    "Running",
    "StartedByGoneProcess",
    "Unknown",
    "create_journal",
    "delete_journal",
    "find_journal",
    "journal_without_file",
    "journals",
    "open_journal",
    "prune",
]
