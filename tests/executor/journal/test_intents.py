"""What a journal keeps of file changes that were begun: as long as it may be needed, no longer."""

import os
from pathlib import Path

import pytest

from executor.errors import JournalError
from executor.journal import (
    FilesSettled,
    StartedByGoneProcess,
    Unfinished,
    create_journal,
    open_journal,
    prune,
    unsettled,
)
from executor.journal.journal import Journal
from executor.journal.paths import journal_path
from executor.journal.records import FilesDecided, FilesStaged, read_lines
from executor.workspace.staging import Staged
from protocol.from_executor import ToolResult
from protocol.wire import FileChange

STAGED = (Staged("f", 0, ".codegen-1.tmp", None, "00"),)
CHANGES = (FileChange("f", "created", 1, 0),)
RECORD = FilesStaged("t1", STAGED, "Created f.", CHANGES)


def _made(state: Path) -> Journal:
    return create_journal(state, cwd="/p", server="ws://x", session_id="s1")


def _reopened(state: Path, journal: Journal) -> Journal:
    journal.close()
    return open_journal(state, journal.journal_id)


@pytest.mark.parametrize("decided", [True, False])
@pytest.mark.parametrize("compact_at", [1, 8 * 1024 * 1024])
def test_what_was_begun_is_known_to_the_next_process_also_after_compaction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compact_at: int, *, decided: bool
) -> None:
    monkeypatch.setattr("executor.journal.journal.COMPACT_BYTES", compact_at)
    journal = _made(tmp_path)
    journal.begin("t1", effects=True, files=True)
    log = journal.intents.log("t1", "Created f.", CHANGES)
    log.stage(STAGED)
    if decided:
        log.decide()

    again = _reopened(tmp_path, journal)

    assert again.call("t1") == StartedByGoneProcess(files=True)
    assert again.intents.unfinished == {"t1": Unfinished(RECORD, decided)}


@pytest.mark.parametrize("compact_at", [1, 8 * 1024 * 1024])
def test_what_another_process_made_of_it_is_known_and_the_session_counts_as_unused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compact_at: int
) -> None:
    monkeypatch.setattr("executor.journal.journal.COMPACT_BYTES", compact_at)
    journal = _made(tmp_path)
    journal.begin("t1", effects=True, files=True)
    journal.intents.log("t1", "Created f.", CHANGES).stage(STAGED)
    path = next((tmp_path / "sessions").glob(f"{journal.journal_id}*"))
    assert list(unsettled(tmp_path, "/p")) == []  # its process is at work
    journal.close()
    with path.open("ab") as file:
        file.write(b"torn")
    os.utime(path, (1e9, 1e9))

    assert list(unsettled(tmp_path, "/elsewhere")) == []
    for stray in unsettled(tmp_path, "/p"):
        stray.intents.settled(FilesSettled("t1", "partly", ("f",), ("g",)))

    assert path.stat().st_mtime == 1e9
    assert list(unsettled(tmp_path, "/p")) == []
    again = open_journal(tmp_path, journal.journal_id)
    noted = FilesSettled("t1", "partly", ("f",), ("g",))
    assert again.intents.unfinished == {"t1": Unfinished(RECORD, decided=False, settled=noted)}


def test_a_damaged_journal_is_left_to_whoever_resumes_it(tmp_path: Path) -> None:
    journal = _made(tmp_path)
    journal.begin("t1", effects=True, files=True)
    journal.intents.log("t1", "Created f.", CHANGES).stage(STAGED)
    journal.close()
    path = next((tmp_path / "sessions").glob(f"{journal.journal_id}*"))
    path.write_bytes(path.read_bytes() + b"wrong\n")
    was = path.read_bytes()

    assert list(unsettled(tmp_path, "/p")) == []
    assert path.read_bytes() == was


def test_a_call_that_finished_leaves_nothing_to_be_finished(tmp_path: Path) -> None:
    journal = _made(tmp_path)
    journal.begin("t1", effects=True, files=True)
    log = journal.intents.log("t1", "Created f.", CHANGES)
    log.stage(STAGED)
    log.decide()
    journal.finish(ToolResult("t1", "success", "Created f.", "g1"), effects=True)

    assert _reopened(tmp_path, journal).intents.unfinished == {}


def test_start_and_staging_are_on_disk_with_the_decision_and_cost_no_sync_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = _made(tmp_path)
    path = next((tmp_path / "sessions").glob(f"{journal.journal_id}*"))
    synced: list[tuple[type, ...]] = []

    def fsync(descriptor: int) -> None:
        del descriptor
        synced.append(tuple(map(type, read_lines(path.read_bytes()).records[-2:])))

    monkeypatch.setattr("os.fsync", fsync)
    journal.begin("t1", effects=True, files=True)
    log = journal.intents.log("t1", "Created f.", CHANGES)
    log.stage(STAGED)
    log.decide()

    assert synced == [(FilesStaged, FilesDecided)]


def test_a_decision_that_can_not_be_written_stops_the_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = _made(tmp_path)
    journal.begin("t1", effects=True, files=True)
    log = journal.intents.log("t1", "Created f.", CHANGES)
    log.stage(STAGED)

    def fsync(descriptor: int) -> None:
        raise OSError(5, "Input/output error", descriptor)

    monkeypatch.setattr("os.fsync", fsync)
    with pytest.raises(JournalError, match="can't be kept safe"):
        log.decide()


def test_an_old_journal_stays_as_long_as_files_are_half_way(tmp_path: Path) -> None:
    journal = _made(tmp_path)
    journal.begin("t1", effects=True, files=True)
    journal.intents.log("t1", "Created f.", CHANGES).stage(STAGED)
    journal.close()
    path = journal_path(tmp_path, journal.journal_id)
    os.utime(path, (1000, 1000))

    assert prune(tmp_path) == 0
    for again in unsettled(tmp_path, "/p"):
        again.intents.settled(FilesSettled("t1", "unchanged"))
    os.utime(path, (1000, 1000))
    assert prune(tmp_path) == 1
