"""The journal's answers, against real files."""

import multiprocessing
import os
import resource
import signal
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from executor.errors import JournalError
from executor.journal import (
    Accepted,
    Finished,
    FirstWords,
    Journal,
    JournalHead,
    Running,
    RunOpen,
    StartedByGoneProcess,
    Unknown,
    create_journal,
    delete_journal,
    find_journal,
    journal_without_file,
    journals,
    open_journal,
    prune,
    run_is_open,
)
from executor.journal.paths import journal_path
from protocol.from_executor import ToolResult


def made(state: Path, session_id: str | None = "s1", cwd: str = "/p", title: str = "") -> Journal:
    return create_journal(state, cwd=cwd, server="ws://x", title=title, session_id=session_id)


def result(tool_id: str, text: str = "done") -> ToolResult:
    return ToolResult(tool_id=tool_id, status="success", result=text, generation_id="g1")


def reopened(state: Path, journal: Journal) -> Journal:
    journal.close()
    return open_journal(state, journal.journal_id)


def test_a_new_call_is_unknown_then_running_then_finished_then_accepted(tmp_path: Path) -> None:
    journal = made(tmp_path)
    states = [journal.call("t1")]
    journal.begin("t1", effects=True)
    states.append(journal.call("t1"))
    journal.finish(result("t1"), effects=True)
    states.append(journal.call("t1"))
    journal.accept("t1")
    states.append(journal.call("t1"))

    assert states == [Unknown(), Running(), Finished(result("t1")), Accepted()]


def test_the_next_process_knows_all_that_the_last_one_did(tmp_path: Path) -> None:
    journal = made(tmp_path, session_id=None)
    journal.belong_to("s1")
    journal.see(7)
    journal.see(5)
    for tool_id in ("accepted", "finished", "started"):
        journal.begin(tool_id, effects=True)
    journal.begin("read", effects=False)
    journal.finish(result("accepted"), effects=True)
    journal.finish(result("finished", "é\n"), effects=True)
    journal.accept("accepted")

    again = reopened(tmp_path, journal)

    assert (again.session_id, again.known.last_seq, again.warnings) == ("s1", 7, ())
    assert again.call("accepted") == Accepted()
    assert again.call("finished") == Finished(result("finished", "é\n"))
    assert again.call("started") == StartedByGoneProcess()
    assert again.call("read") == Unknown()
    assert again.unaccepted() == (result("finished", "é\n"),)


def test_only_one_process_holds_a_journal(tmp_path: Path) -> None:
    journal = made(tmp_path)
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        refusal = pool.apply(_why_not_opened, (tmp_path, journal.journal_id))
        journal.close()
        opened = pool.apply(_why_not_opened, (tmp_path, journal.journal_id))

    assert (refusal, opened) == ("this session is open in another codegen on this machine", "")


def _why_not_opened(state: Path, journal_id: str) -> str:
    try:
        open_journal(state, journal_id).close()
    except JournalError as error:
        return str(error)
    return ""


def test_the_file_is_the_users_own(tmp_path: Path) -> None:
    journal = made(tmp_path / "state")
    path = journal_path(tmp_path / "state", journal.journal_id)

    assert oct(path.stat().st_mode & 0o777) == "0o600"
    assert oct(path.parent.stat().st_mode & 0o777) == "0o700"


def test_an_id_that_is_none_names_no_file(tmp_path: Path) -> None:
    for journal_id in ("../../etc/passwd", "", "A" * 32, "0" * 31):
        with pytest.raises(JournalError, match="no journal's id"):
            open_journal(tmp_path, journal_id)


def test_a_journal_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="there is no journal"):
        open_journal(tmp_path, "0" * 32)


@contextmanager
def no_byte_beyond(size: int) -> Generator[None]:
    """The kernel refuses to let a file of this process grow beyond `size`, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


def test_a_full_disk_refuses_effects_and_the_file_stays_whole(tmp_path: Path) -> None:
    journal = made(tmp_path)
    journal.begin("t1", effects=True)
    size = journal_path(tmp_path, journal.journal_id).stat().st_size
    with no_byte_beyond(size + 20):
        with pytest.raises(JournalError, match="can't be written"):
            journal.begin("t2", effects=True)
        journal.begin("read", effects=False)
        with pytest.raises(JournalError):
            journal.finish(result("t1"), effects=True)
    assert journal.call("t2") == Unknown()
    assert journal.call("read") == Running()
    assert journal.unaccepted() == (result("t1"),)
    journal.begin("t3", effects=True)

    again = reopened(tmp_path, journal)

    assert again.warnings == ()
    assert [again.call(tool_id) for tool_id in ("t1", "t2", "t3")] == [
        StartedByGoneProcess(),
        Unknown(),
        StartedByGoneProcess(),
    ]


def test_no_journal_is_left_where_none_could_be_made(tmp_path: Path) -> None:
    with no_byte_beyond(10), pytest.raises(JournalError, match="can't be written"):
        made(tmp_path)

    assert list((tmp_path / "sessions").iterdir()) == []


def test_a_state_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "sessions").write_text("")
    with pytest.raises(JournalError, match="can't be made"):
        made(tmp_path)


def test_without_a_file_reads_go_on_and_effects_are_refused() -> None:
    journal = journal_without_file("the disk is full", cwd="/p", server="ws://x")
    journal.belong_to("s1")
    journal.begin("read", effects=False)
    journal.finish(result("read"), effects=False)
    with pytest.raises(JournalError, match="the disk is full"):
        journal.begin("t1", effects=True)

    assert journal.call("t1") == Unknown()
    assert journal.unaccepted() == (result("read"),)
    journal.close()


def test_a_long_journal_is_rewritten_and_stays_locked(tmp_path: Path) -> None:
    journal = made(tmp_path)
    path = journal_path(tmp_path, journal.journal_id)
    journal.begin("started", effects=True)
    for number in range(20):
        journal.finish(result(f"t{number}", "x" * 1_000_000), effects=False)
        if number != 19:
            journal.accept(f"t{number}")

    assert path.stat().st_size < 9_000_000
    with pytest.raises(JournalError, match="open in another codegen"):
        open_journal(tmp_path, journal.journal_id)
    again = reopened(tmp_path, journal)
    assert again.call("t0") == Accepted()
    assert again.call("started") == StartedByGoneProcess()
    assert again.unaccepted() == (result("t19", "x" * 1_000_000),)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_sessions_are_listed_by_directory_the_last_used_first(tmp_path: Path) -> None:
    other = made(tmp_path, "other", cwd="/elsewhere")
    first = made(tmp_path, "first", title="fix\n the   bug")
    second = made(tmp_path, "second")
    made(tmp_path, None)
    for age, journal in enumerate((second, other, first)):
        _touch(journal_path(tmp_path, journal.journal_id), 1000 - age)

    listed = journals(tmp_path, cwd="/p")

    assert [head.session_id for head in listed] == ["second", "first"]
    assert [head.session_id for head in journals(tmp_path)] == ["second", "other", "first"]
    assert find_journal(tmp_path, "first") == JournalHead(
        journal_id=first.journal_id,
        session_id="first",
        cwd="/p",
        server="ws://x",
        title="fix the bug",
        created=listed[1].created,
        last_used=998,
    )
    assert find_journal(tmp_path, "never") is None


def test_a_session_that_never_was_leaves_no_journal(tmp_path: Path) -> None:
    journal = made(tmp_path, None)
    journal.close()

    assert list((tmp_path / "sessions").iterdir()) == []


def test_old_journals_are_pruned_but_for_those_in_use(tmp_path: Path) -> None:
    old, used, young = (made(tmp_path, name) for name in ("old", "used", "young"))
    for journal in (old, used):
        _touch(journal_path(tmp_path, journal.journal_id), 1000)
    old.close()
    young.close()

    aside = journal_path(tmp_path, old.journal_id).with_suffix(".damaged")
    aside.write_text("no journal any more\n")
    _touch(aside, 1000)

    assert prune(tmp_path, lambda: True) == 0
    assert prune(tmp_path) == 2
    assert not aside.exists()
    assert {head.session_id for head in journals(tmp_path)} == {"used", "young"}
    delete_journal(tmp_path, young.journal_id)
    assert {head.session_id for head in journals(tmp_path)} == {"used"}


def _touch(path: Path, seconds: int) -> None:
    os.utime(path, (seconds, seconds))


def test_a_session_without_an_answer_is_known_by_its_journal(tmp_path: Path) -> None:
    words = FirstWords("x" * 200_000)
    journal = create_journal(tmp_path, cwd="/p", server="ws://x", title="x", words=words)
    journal.is_asked = True
    unnamed = find_journal(tmp_path, journal.journal_id)
    again = reopened(tmp_path, journal)
    kept = again.known.first_words
    again.belong_to("s1")

    assert unnamed is not None
    assert (unnamed.session_id, unnamed.name, kept) == (None, journal.journal_id, words)
    assert [head.name for head in journals(tmp_path)] == ["s1"]
    assert reopened(tmp_path, again).known.first_words is None


@pytest.mark.parametrize("asked", [False, True])
def test_a_handshake_on_its_way_keeps_the_journal(tmp_path: Path, *, asked: bool) -> None:
    journal = create_journal(tmp_path, cwd="/p", server="ws://x", words=FirstWords("do it"))
    journal.is_asked = asked
    journal.close()

    assert len(journals(tmp_path)) == asked


def test_whether_a_run_is_open_outlives_the_process(tmp_path: Path) -> None:
    journal = create_journal(tmp_path, cwd="/p", server="ws://x", words=FirstWords("do it"))
    journal.belong_to("s1")
    seen = [run_is_open(tmp_path, journal.journal_id)]
    for is_open in (False, True):
        journal.note_run(RunOpen(is_open))
        seen.append(run_is_open(tmp_path, journal.journal_id))
    again = reopened(tmp_path, journal)

    assert (seen, again.known.run_open) == ([True, False, True], True)
    assert made(tmp_path, "s2").known.run_open is None
    assert not run_is_open(tmp_path, "0" * 32)
