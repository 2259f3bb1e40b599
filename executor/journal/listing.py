"""Which sessions this machine knows, from the first lines of their journals.

Reads and deletes files; opens no session.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec

from executor.errors import JournalError
from executor.journal.file import JournalFile
from executor.journal.paths import DAMAGED, SUFFIX, journal_folder, journal_path
from executor.journal.records import FirstWords, Head, Reading, SessionKnown, read_lines
from executor.journal.state import JournalState

FIRST_BYTES = 64 * 1024
"""The head and the session's id are the first lines, but for the prompt between them."""
LONGEST_BYTES = 16 * 1024 * 1024
"""What a prompt may take with all its escapes, and more."""
PRUNE_SECONDS = 90 * 24 * 3600.0


class JournalHead(msgspec.Struct, frozen=True):
    """One line of `codegen sessions list`."""

    journal_id: str
    session_id: str | None
    """None: its maestro has not answered yet."""
    cwd: str
    server: str
    title: str
    created: float
    last_used: float
    """Both in Unix seconds."""

    @property
    def name(self) -> str:
        """By which it can be resumed."""
        return self.session_id or self.journal_id


def journals(state: Path, *, cwd: str | None = None) -> list[JournalHead]:
    """The sessions that can be resumed, of one directory or of all, the last used first."""
    heads = [head for head in map(_read, _files(state)) if head is not None]
    wanted = [head for head in heads if cwd is None or head.cwd == cwd]
    return sorted(wanted, key=lambda head: head.last_used, reverse=True)


def find_journal(state: Path, name: str) -> JournalHead | None:
    """The last used journal of a session, or None where this machine has none."""
    return next((head for head in journals(state) if head.name == name), None)


def run_is_open(state: Path, journal_id: str) -> bool:
    """Whether this machine began a run whose end it has not seen; False where it can't tell."""
    try:
        content = journal_path(state, journal_id).read_bytes()
    except (OSError, JournalError):
        return False
    match read_lines(content).records:
        case (Head() as head, *rest):
            return bool(JournalState(head, rest).run_open)
        case _:
            return False


def delete_journal(state: Path, journal_id: str) -> None:
    """Raises JournalError where it is open in another process, or not there."""
    file, _ = JournalFile.open(journal_path(state, journal_id))
    file.remove()


def prune(state: Path, stopped: Callable[[], bool] = lambda: False) -> int:
    """Delete the journals that nobody used for PRUNE_SECONDS; says how many there were.

    Their sessions can still be resumed: from a journal with another id, as from another machine.
    One that left files half-way stays until somebody works in its project again.
    """
    pruned = 0
    for path in (*_files(state), *journal_folder(state).glob(f"*{DAMAGED}")):
        if stopped():
            break
        try:
            if time.time() - path.stat().st_mtime > PRUNE_SECONDS:
                pruned += _pruned(path)
        except (JournalError, OSError):
            continue  # open elsewhere, or gone already
    return pruned


def _pruned(path: Path) -> bool:
    file, content = JournalFile.open(path)
    with closing(file):
        match read_lines(content):
            case Reading(records=(Head() as head, *rest), damaged=False) if JournalState(
                head, rest
            ).half_way:
                return False
            case _:
                file.remove()
                return True


def _files(state: Path) -> Iterator[Path]:
    return journal_folder(state).glob(f"*{SUFFIX}")


def _read(path: Path) -> JournalHead | None:
    try:
        reading = _beginning(path)
        last_used = path.stat().st_mtime
    except OSError:
        return None
    match reading.records:
        case (Head() as head, *rest):
            told = (r for r in rest if isinstance(r, FirstWords | SessionKnown))
            known = JournalState(head, told)
        case _:
            return None
    if known.session_id is None and known.first_words is None:
        return None
    return JournalHead(
        journal_id=head.journal_id,
        session_id=known.session_id,
        cwd=head.cwd,
        server=head.server,
        title=head.title,
        created=head.created,
        last_used=last_used,
    )


def _beginning(path: Path) -> Reading:
    """The first lines; more of them where a long prompt stands before the session's id."""
    with path.open("rb") as file:
        start = file.read(FIRST_BYTES)
        reading = read_lines(start)
        if reading.torn and not any(isinstance(r, SessionKnown) for r in reading.records):
            reading = read_lines(start + file.read(LONGEST_BYTES))
    return reading
