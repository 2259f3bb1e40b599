"""File tools that are killed, short: the long form is `python -m tests.faults.file_kills`."""

from pathlib import Path

from tests.faults.file_kills import CALLS, FINISHED_LATER, rounds
from tests.requirements import covers

KILLS = 100


@covers("R-FILE-13")
def test_a_killed_file_tool_is_finished_or_undone_and_the_answer_is_true(tmp_path: Path) -> None:
    tally = rounds(KILLS, 1, tmp_path)

    assert tally.wrong == []
    assert {outcome.partition(":")[0] for outcome in tally.outcomes} == set(CALLS)
    assert tally.outcomes[f"ApplyPatch: success {FINISHED_LATER}"] > 0
    assert tally.outcomes["ApplyPatch: error unchanged"] > 0
