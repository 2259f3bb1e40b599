"""File tools that are killed, short: the long form is `python -m tests.faults.file_kills`."""

from pathlib import Path

from tests.faults.file_kills import CALLS, FINISHED_LATER, POINTS, Ground, Moment, rounds
from tests.requirements import covers

KILLS = 60
LATER = f" {FINISHED_LATER}"


@covers("R-FILE-13")
def test_killed_at_each_failpoint_a_file_tool_is_undone_before_the_decision_and_else_finished(
    tmp_path: Path,
) -> None:
    ground = Ground(tmp_path)
    ends = {
        (name, point): ground.round(name, Moment(point=point), Moment(point="renamed:1"))
        for name, points in POINTS.items()
        for point in points
    }

    assert {where: end.wrong for where, end in ends.items() if end.wrong} == {}
    outcomes = {where: end.outcome.removesuffix(LATER) for where, end in ends.items()}
    assert outcomes == {
        (name, point): "error unchanged" if point.startswith("tmp") else "success"
        for name, point in ends
    }


@covers("R-FILE-13")
def test_a_file_tool_that_is_killed_anywhere_leaves_all_or_nothing_and_a_true_answer(
    tmp_path: Path,
) -> None:
    tally = rounds(KILLS, 1, tmp_path)

    assert tally.wrong == []
    assert {outcome.partition(":")[0] for outcome in tally.outcomes} == set(CALLS)
