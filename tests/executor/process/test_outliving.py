"""What is on disk of commands that outlive their session, and how a session takes part in them."""

import os
import signal
import time
from pathlib import Path

import msgspec

from executor.process.command import Captured, Ended, Exited, Lost, Stopped
from executor.process.outliving import (
    ENDED_MAX,
    ENDED_SECONDS,
    Elsewhere,
    Kept,
    all_kept,
    ask_to_end,
    hold,
    is_alive,
    listed,
    new_folder,
    read,
    write,
)
from executor.process.shells import Shells
from executor.workspace import Workspace
from tests.requirements import covers

END_ASKED = Ended(Stopped("on request"), Captured(b"", b"", 0), 5)
END = Ended(Exited(0), Captured(b"a\xff", b"", 2, Path("/x")), 5)


def _kept(folder: Path, began: float = 0.0, ended: Ended | None = None, pid: int = 0) -> Kept:
    output = folder / "out"
    output.write_bytes(b"one\ntwo\n")
    kept = Kept(
        key=folder.name,
        shell_id="sh1",
        journal_id="j",
        project="/p",
        command="make",
        terminal=False,
        pid=pid,
        began=began or time.time(),
        output=str(output),
        ended=ended,
    )
    write(folder, kept)
    return kept


def kept_in(state: Path) -> Path:
    """The folder of one whose record says that it runs."""
    folder = new_folder(state)
    _kept(folder)
    return folder


def test_a_record_is_read_as_it_was_written_and_what_is_no_record_is_none(tmp_path: Path) -> None:
    folder = new_folder(tmp_path)
    kept = _kept(folder, ended=END)

    assert read(folder) == kept
    (folder / "record.json").write_text("{")
    assert read(folder) is None
    assert listed(tmp_path) == []
    assert listed(tmp_path / "elsewhere") == []
    assert oct(folder.stat().st_mode)[-3:] == "700"


@covers("R-SHELL-5")
def test_of_those_that_have_ended_only_the_latest_are_kept_and_not_for_ever(
    tmp_path: Path,
) -> None:
    now = time.time()
    old = new_folder(tmp_path)
    at_work = new_folder(tmp_path)
    held = hold(at_work)
    for folder in (old, at_work):
        _kept(folder, began=now - ENDED_SECONDS - 1)
    for age in range(ENDED_MAX + 3):
        _kept(new_folder(tmp_path), began=now - age)

    found = listed(tmp_path)

    assert len(found) == ENDED_MAX + 1
    assert found[-1].key == at_work.name
    assert len(os.listdir(all_kept(tmp_path))) == len(found)
    os.close(held)
    assert len(listed(tmp_path)) == ENDED_MAX


async def test_a_session_follows_it_to_its_end_and_says_who_ended_it(tmp_path: Path) -> None:
    folder = new_folder(tmp_path)
    held = hold(folder)
    kept = _kept(folder, pid=os.getpid())
    elsewhere = Elsewhere(folder, kept)
    elsewhere.run_on(5)
    elsewhere.output.keep_all(5)

    assert elsewhere.output.snapshot() == Captured(b"one\ntwo\n", b"", 8, folder / "out")
    assert not elsewhere.ended.done()

    def end(_number: int, _frame: object) -> None:
        write(folder, msgspec.structs.replace(kept, ended=END_ASKED))
        os.close(held)

    before = signal.signal(signal.SIGTERM, end)
    try:
        ended = await elsewhere.stop("by ShellKill")
    finally:
        signal.signal(signal.SIGTERM, before)

    assert ended.outcome == Stopped("by ShellKill")
    assert not ask_to_end(folder)
    assert elsewhere.seconds < 60


async def test_of_one_whose_keeper_was_killed_the_end_is_not_known(tmp_path: Path) -> None:
    folder = new_folder(tmp_path)
    kept = _kept(folder)
    (folder / "lock").touch()
    (folder / "out").unlink()

    ended = await Elsewhere(folder, kept).ended

    assert (ended.outcome, ended.output) == (Lost(), Captured(b"", b"", 0))
    assert not is_alive(folder)


async def test_a_resumed_session_finds_it_by_its_id_and_gives_that_to_no_other(
    tmp_path: Path,
) -> None:
    folder = new_folder(tmp_path)
    held = hold(folder)
    shells = Shells(Workspace(tmp_path))
    shells.adopt(Elsewhere(folder, _kept(folder)))

    shells.interrupted()  # it is of an earlier run

    assert shells.find("sh1").ended is None
    assert shells.next_id() == "sh2"
    assert is_alive(folder)
    os.close(held)


def test_a_keeper_that_dies_at_this_moment_is_no_error(tmp_path: Path) -> None:
    folder = new_folder(tmp_path)
    held = hold(folder)
    _kept(folder, pid=2**22 - 1)

    assert ask_to_end(folder)
    os.close(held)
