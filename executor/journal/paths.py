"""Where journals lie: `STATE/sessions/JOURNAL_ID.jsonl`.

Builds names; touches no file.
"""

from pathlib import Path

from executor.errors import JournalError

SUFFIX = ".jsonl"
DAMAGED = ".damaged"
"""Of a journal that was put aside."""
_DIGITS = frozenset("0123456789abcdef")


def journal_folder(state: Path) -> Path:
    return state / "sessions"


def journal_path(state: Path, journal_id: str) -> Path:
    """Raises JournalError for an id that is none, so that no id can name another file."""
    if len(journal_id) != 32 or not _DIGITS.issuperset(journal_id):
        raise JournalError(f"{journal_id!r} is no journal's id")
    return journal_folder(state) / f"{journal_id}{SUFFIX}"
