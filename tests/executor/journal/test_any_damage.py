"""Journals damaged in any way: each opens or is refused; what stood before the damage is kept."""

import shutil
import tempfile
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from executor.errors import JournalError
from executor.journal import Accepted, Finished, StartedByGoneProcess, Unknown, open_journal
from executor.journal.journal import CallState
from executor.journal.paths import journal_path
from executor.journal.records import (
    AnyRecord,
    CallFinished,
    CallsAccepted,
    CallStarted,
    Seen,
    SessionKnown,
    encode_line,
    read_lines,
)
from executor.journal.state import JournalState
from protocol.from_executor import ToolResult
from tests.executor.journal.test_damage import HEAD

NAMES = tuple(f"t{number}" for number in range(5))
CALLS = st.sampled_from(NAMES)
RECORDS = st.lists(
    st.one_of(
        st.builds(CallStarted, CALLS),
        st.builds(Seen, st.integers(1, 9)),
        st.builds(CallsAccepted, st.lists(CALLS, max_size=2).map(tuple)),
        st.builds(
            CallFinished,
            st.builds(
                ToolResult,
                tool_id=CALLS,
                status=st.just("success"),
                result=st.text(max_size=9),
                generation_id=st.just("g"),
            ),
        ),
        st.builds(SessionKnown, st.just("s1")),
    ),
    max_size=8,
)
DAMAGE = st.lists(
    st.tuples(
        st.sampled_from(["flip", "cut", "drop", "put", "twice", "zero"]),
        st.integers(0, 2000),
        st.integers(1, 255),
        st.binary(min_size=1, max_size=9),
    ),
    min_size=1,
    max_size=4,
)


def damaged(content: bytes, damage: list[tuple[str, int, int, bytes]]) -> tuple[bytes, int]:
    """The bytes, and the first place that differs."""
    whole = content
    for kind, place, number, other in damage:
        at = place % max(1, len(content))
        end = at + number
        match kind:
            case "flip":
                content = (
                    content[:at]
                    + bytes(b ^ number for b in content[at : at + 1])
                    + content[at + 1 :]
                )
            case "cut":
                content = content[:at]
            case "drop":
                content = content[:at] + content[end:]
            case "put":
                content = content[:at] + other + content[at:]
            case "twice":
                content = content[:end] + content[at:end] + content[end:]
            case _:
                content = content[:at] + b"\0" * number + content[end:]
    pairs = zip(whole, content, strict=False)
    common = min(len(whole), len(content))
    return content, next((at for at, (one, other) in enumerate(pairs) if one != other), common)


@given(records=RECORDS, damage=DAMAGE)
@example(records=[CallStarted("t1")], damage=[("zero", 2000, 255, b"x")])
def test_a_damaged_journal_opens_or_is_refused_and_loses_nothing_before_the_damage(
    records: list[AnyRecord], damage: list[tuple[str, int, int, bytes]]
) -> None:
    written: list[AnyRecord] = [HEAD, *records]
    lines = [encode_line(record) for record in written]
    content, first = damaged(b"".join(lines), damage)
    kept, size = 0, 0
    while kept < len(lines) and size + len(lines[kept]) <= first:
        size += len(lines[kept])
        kept += 1

    reading = read_lines(content)
    assert list(reading.records[:kept]) == written[:kept]
    assert all(record in written for record in reading.records)

    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    try:
        _opens_or_is_refused(folder, content, reading.records)
    finally:
        shutil.rmtree(folder)


def _opens_or_is_refused(folder: Path, content: bytes, records: tuple[AnyRecord, ...]) -> None:
    path = journal_path(folder, HEAD.journal_id)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    try:
        journal = open_journal(folder, HEAD.journal_id)
    except JournalError:
        assert records[:1] != (HEAD,)
        assert path.read_bytes() == content
        return
    expected = {name: _call(JournalState(HEAD, records), name) for name in NAMES}
    told = {name: journal.call(name) for name in NAMES}
    assert told == expected
    journal.belong_to("s2")  # else nobody knows of it, and it is taken away
    journal.begin("next", effects=True)
    journal_id = journal.journal_id
    journal.close()
    again = open_journal(folder, journal_id)
    assert not again.must_take_over
    assert {name: again.call(name) for name in NAMES} == told
    again.close()


def _call(state: JournalState, tool_id: str) -> CallState:
    if tool_id in state.finished:
        return Finished(state.finished[tool_id])
    if tool_id in state.accepted:
        return Accepted()
    return StartedByGoneProcess() if tool_id in state.started else Unknown()
