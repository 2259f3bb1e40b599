"""What becomes of a journal whose bytes are not what was written."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.errors import JournalError
from executor.journal import Finished, Unknown, create_journal, open_journal
from executor.journal.paths import journal_path
from executor.journal.records import (
    AnyRecord,
    CallFinished,
    CallsAccepted,
    CallStarted,
    Head,
    Seen,
    SessionKnown,
    encode_line,
    read_lines,
)
from protocol.from_executor import ToolResult

HEAD = Head(journal_id="0" * 32, created=1.0, cwd="/p", server="ws://x", title="t")
RECORDS: tuple[AnyRecord, ...] = (
    HEAD,
    SessionKnown("s1"),
    CallStarted("t1"),
    Seen(3),
    CallFinished(ToolResult(tool_id="t1", status="success", result="é", generation_id="g")),
    CallsAccepted(("t1",)),
    CallStarted("t2"),
)
CONTENT = b"".join(map(encode_line, RECORDS))
ENDS = [len(b"".join(map(encode_line, RECORDS[:count]))) for count in range(len(RECORDS) + 1)]


def test_a_journal_cut_at_any_byte_holds_every_line_that_was_whole() -> None:
    for size in range(len(CONTENT) + 1):
        whole = sum(end <= size for end in ENDS) - 1
        reading = read_lines(CONTENT[:size])

        assert reading.records == RECORDS[:whole]
        assert (reading.good_bytes, reading.torn, reading.damaged) == (
            ENDS[whole],
            size != ENDS[whole],
            False,
        )


@pytest.mark.parametrize("bit", [1, 0x20, 0xFF])
def test_a_flipped_byte_hides_its_line_and_all_behind_it_and_invents_nothing(bit: int) -> None:
    for place in range(len(CONTENT)):
        flipped = CONTENT[:place] + bytes([CONTENT[place] ^ bit]) + CONTENT[place + 1 :]
        line = sum(end <= place for end in ENDS) - 1
        reading = read_lines(flipped)

        assert reading.records == RECORDS[:line], place
        assert reading.damaged or reading.torn, place


@given(st.binary(max_size=300))
def test_no_bytes_at_all_crash_the_reader(content: bytes) -> None:
    read_lines(content)
    read_lines(CONTENT + content)


def written(state: Path, content: bytes) -> Path:
    path = journal_path(state, HEAD.journal_id)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path


def test_a_torn_line_is_cut_off_with_a_warning_and_the_journal_goes_on(tmp_path: Path) -> None:
    path = written(tmp_path, CONTENT[:-3])
    journal = open_journal(tmp_path, HEAD.journal_id)
    warnings, take_over, state = journal.warnings, journal.must_take_over, journal.call("t2")
    journal.begin("t3", effects=True)
    journal.close()

    assert warnings == (f"the last line of {path} was torn and is dropped",)
    assert (take_over, state) == (False, Unknown())
    assert read_lines(path.read_bytes()).records == (*RECORDS[:-1], CallStarted("t3"))


def test_damage_in_the_middle_makes_a_journal_with_another_id_that_takes_over(
    tmp_path: Path,
) -> None:
    flipped = bytearray(CONTENT)
    flipped[ENDS[5] + 10] ^= 1
    path = written(tmp_path, bytes(flipped))

    journal = open_journal(tmp_path, HEAD.journal_id)

    assert journal.must_take_over
    assert journal.journal_id != HEAD.journal_id
    assert (journal.session_id, journal.known.last_seq) == ("s1", 3)
    assert isinstance(journal.call("t1"), Finished)
    assert path.with_suffix(".damaged").read_bytes() == bytes(flipped)
    journal.close()
    again = open_journal(tmp_path, journal.journal_id)
    assert (again.session_id, again.must_take_over) == ("s1", False)


def test_a_journal_without_a_readable_head_is_refused_by_name(tmp_path: Path) -> None:
    for content in (b"", b"x", b"\n", CONTENT[ENDS[1] :], encode_line(HEAD)[:-1]):
        path = written(tmp_path, content)
        with pytest.raises(JournalError, match=str(path)):
            open_journal(tmp_path, HEAD.journal_id)


def test_a_journal_of_a_later_version_is_refused(tmp_path: Path) -> None:
    later = Head(journal_id=HEAD.journal_id, created=1.0, cwd="/", server="", version=2)
    written(tmp_path, encode_line(later))
    with pytest.raises(JournalError, match="later version"):
        open_journal(tmp_path, HEAD.journal_id)


def test_a_fresh_journal_reads_back_as_it_was_written(tmp_path: Path) -> None:
    journal = create_journal(tmp_path, cwd="/p", server="s", title="a " * 300)
    content = journal_path(tmp_path, journal.journal_id).read_bytes()
    (head,) = read_lines(content).records

    assert isinstance(head, Head)
    assert (head.journal_id, head.cwd, head.server, len(head.title)) == (
        journal.journal_id,
        "/p",
        "s",
        200,
    )
