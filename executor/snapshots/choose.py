"""Which checkpoints are meant by the last run, so many calls, or everything since a call.

Pure: chooses from a timeline's list.
"""

from collections.abc import Sequence

from executor.errors import SnapshotError, UsageError
from executor.snapshots.timeline import Checkpoint

NOTHING = "nothing that the agent changed stands in this project"


def standing(checkpoints: Sequence[Checkpoint]) -> list[Checkpoint]:
    """The calls that changed something and are not taken back, the latest first."""
    return [
        at
        for at in checkpoints
        if at.about.kind == "call" and at.state != "open" and at.undone_by is None
    ]


def last_run(checkpoints: Sequence[Checkpoint]) -> list[Checkpoint]:
    """Raises SnapshotError where there is none."""
    calls = _some(standing(checkpoints))
    run = (calls[0].about.session, calls[0].about.run)
    return [at for at in calls if (at.about.session, at.about.run) == run]


def last_session(checkpoints: Sequence[Checkpoint]) -> list[Checkpoint]:
    """Raises SnapshotError where there is none."""
    calls = _some(standing(checkpoints))
    return [at for at in calls if at.about.session == calls[0].about.session]


def last_calls(checkpoints: Sequence[Checkpoint], count: int) -> list[Checkpoint]:
    """Raises SnapshotError where there are none, UsageError for a count below 1."""
    if count < 1:
        raise UsageError(f"undo {count}: say how many calls to take back, 1 or more")
    return _some(standing(checkpoints))[:count]


def since(
    checkpoints: Sequence[Checkpoint], call: str, session: str | None = None
) -> list[Checkpoint]:
    """The call with that number or tool_id, and all later ones; of one session where it is given.

    Raises UsageError where none of them is that call.
    """
    calls = [at for at in standing(checkpoints) if session in (None, at.about.session)]
    for index, at in enumerate(calls):
        if call in (str(at.id), at.about.call):
            return calls[: index + 1]
    raise UsageError(f"there is no call {call!r} to go back to: see codegen checkpoints")


def last_undo(checkpoints: Sequence[Checkpoint]) -> Checkpoint:
    """The undo that a redo takes back. Raises SnapshotError where there is none."""
    for at in checkpoints:
        if at.about.kind == "undo" and at.state == "done" and at.undone_by is None:
            return at
    raise SnapshotError("there is nothing to do again: nothing was taken back")


def _some(calls: list[Checkpoint]) -> list[Checkpoint]:
    if not calls:
        raise SnapshotError(NOTHING)
    return calls
