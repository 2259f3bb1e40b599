"""The journal: what this machine did for a session, on disk before it counts.

One file per session; knows neither the socket nor the tools.
"""

from executor.journal.intents import FileIntents, Unfinished
from executor.journal.journal import (
    Accepted,
    CallState,
    Finished,
    Journal,
    Running,
    StartedByGoneProcess,
    Unknown,
)
from executor.journal.listing import (
    JournalHead,
    delete_journal,
    find_journal,
    journals,
    prune,
    run_is_open,
)
from executor.journal.opening import (
    create_journal,
    journal_without_file,
    open_journal,
    unsettled,
)
from executor.journal.records import FilesSettled, FirstWords, RunOpen

__all__ = [
    "Accepted",
    "CallState",
    "FileIntents",
    "FilesSettled",
    "Finished",
    "FirstWords",
    "Journal",
    "JournalHead",
    "RunOpen",
    "Running",
    "StartedByGoneProcess",
    "Unfinished",
    "Unknown",
    "create_journal",
    "delete_journal",
    "find_journal",
    "journal_without_file",
    "journals",
    "open_journal",
    "prune",
    "run_is_open",
    "unsettled",
]
