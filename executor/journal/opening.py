"""How a journal comes to be: made, opened again and mended, or done without.

The decisions about damage are here; reading and writing are in `records` and `file`.
"""

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from executor.errors import JournalError
from executor.journal.file import JournalFile
from executor.journal.journal import Journal
from executor.journal.listing import journals
from executor.journal.paths import DAMAGED, journal_path
from executor.journal.records import (
    JOURNAL_VERSION,
    AnyRecord,
    FirstWords,
    Head,
    Reading,
    SessionKnown,
    encode_line,
    read_lines,
)
from executor.journal.state import JournalState

TITLE_CHARACTERS = 200


def create_journal(
    state: Path,
    *,
    cwd: str,
    server: str,
    title: str = "",
    session_id: str | None = None,
    words: FirstWords | None = None,
) -> Journal:
    """A new journal, on disk. `session_id`: of a session that this machine did not begin.

    `words`: what a session begins with, so that it can be asked for again. Raises JournalError
    where the disk takes none.
    """
    head = _head(cwd, server, title)
    known: tuple[AnyRecord, ...] = () if words is None else (words,)
    if session_id is not None:
        known = (*known, SessionKnown(session_id))
    lines = b"".join(map(encode_line, (head, *known)))
    file = JournalFile.create(journal_path(state, head.journal_id), lines)
    return Journal(file, JournalState(head, known))


def open_journal(state: Path, journal_id: str) -> Journal:
    """The journal of an earlier process, mended where its last line is torn.

    A whole line that is wrong may have named a call that started. What stands before it then goes
    to a journal with another id, which must take over: so the maestro answers the open calls
    itself and sends none of them again. Raises JournalError, also where another process holds it.
    """
    path = journal_path(state, journal_id)
    file, content = JournalFile.open(path)
    try:
        return _mended(state, file, path, read_lines(content))
    except JournalError:
        file.close()
        raise


def unsettled(state: Path, cwd: str) -> Iterator[Journal]:
    """The journals of killed sessions in the folder `cwd` that left files half-way, each until the
    next is asked for. Not those that a process holds, nor damaged ones: resuming mends them."""
    for head in journals(state, cwd=cwd):
        path = journal_path(state, head.journal_id)
        try:
            file, content = JournalFile.open(path)
        except JournalError:
            continue  # at work, and so it settles its own; or gone
        with closing(file):
            match read_lines(content):
                case Reading(records=(Head() as first, *rest), damaged=False) as reading:
                    known = JournalState(first, rest)
                case _:
                    continue
            if not known.half_way:
                continue
            if reading.torn:
                file.truncate(reading.good_bytes)
            yield Journal(file, known)
            os.utime(path, (head.last_used, head.last_used))  # nobody has used the session


def journal_without_file(why: str, *, cwd: str, server: str) -> Journal:
    """For a disk that takes no journal: reads go on, calls with effects are refused with `why`."""
    head = _head(cwd, server, "")
    return Journal(None, JournalState(head), warnings=(why,))


def _mended(state: Path, file: JournalFile, path: Path, reading: Reading) -> Journal:
    match reading.records[:1]:
        case (Head(version=version) as head,) if version <= JOURNAL_VERSION:
            known = JournalState(head, reading.records)
        case _:
            raise JournalError(f"the journal {path} is damaged, or of a later version")
    if reading.damaged:
        return _inherited(state, file, path, known)
    if not reading.torn:
        return Journal(file, known)
    file.truncate(reading.good_bytes)
    return Journal(file, known, warnings=(f"the last line of {path} was torn and is dropped",))


def _inherited(state: Path, file: JournalFile, path: Path, known: JournalState) -> Journal:
    old = known.head
    known.head = Head(
        journal_id=secrets.token_hex(16),
        created=old.created,
        cwd=old.cwd,
        server=old.server,
        title=old.title,
    )
    lines = b"".join(map(encode_line, known.records()))
    heir = JournalFile.create(journal_path(state, known.head.journal_id), lines)
    aside = path.with_suffix(DAMAGED)
    path.rename(aside)
    file.close()
    warning = f"the journal of this session was damaged; the damaged one is kept as {aside}"
    return Journal(heir, known, warnings=(warning,), must_take_over=True)


def _head(cwd: str, server: str, title: str) -> Head:
    return Head(
        journal_id=secrets.token_hex(16),
        created=time.time(),
        cwd=cwd,
        server=server,
        title=" ".join(title.split())[:TITLE_CHARACTERS],
    )
