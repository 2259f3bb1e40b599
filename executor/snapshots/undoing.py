"""Take back what calls changed, and take that back in turn, without losing anybody's own work.

Journalled before the first file is touched: a kill in the middle is finished by whoever comes next.
"""

from collections.abc import Sequence

import msgspec

from executor.errors import SnapshotError
from executor.failpoints import hit
from executor.snapshots import choose
from executor.snapshots.derived import is_derived
from executor.snapshots.exact import below, state_at
from executor.snapshots.note import note
from executor.snapshots.place import exclusively
from executor.snapshots.plan import Conflict, Plan, Step, planned, steps_back
from executor.snapshots.restore import restore
from executor.snapshots.snapshots import Snapshots
from executor.snapshots.states import Change, Folder, Missing
from executor.snapshots.store import Contents
from executor.snapshots.timeline import Checkpoint, Described, Kind


class Restored(msgspec.Struct, frozen=True):
    """It is done."""

    steps: tuple[Step, ...]
    left: tuple[Conflict, ...] = ()
    """What could not be brought back, and is as it was."""
    calls: int = 0


class Refused(msgspec.Struct, frozen=True):
    """Nothing was touched: somebody's own changes would be lost."""

    conflicts: tuple[Conflict, ...]


def undo(
    snapshots: Snapshots, chosen: Sequence[Checkpoint], *, force: bool = False
) -> Restored | Refused:
    """Take back what the chosen checkpoints changed, the latest first.

    What somebody changed since is overwritten only by `force`, and redo brings it back. Raises
    SnapshotError, OSError.
    """
    return _taken_back(snapshots, "undo", chosen, force=force)


def redo(snapshots: Snapshots, *, force: bool = False) -> Restored | Refused:
    """Take the last undo back. Raises SnapshotError where there is none, OSError."""
    last = choose.last_undo(snapshots.timeline.all())
    return _taken_back(snapshots, "redo", [last], force=force)


def note_for(snapshots: Snapshots, session: str) -> str:
    """What the model of that session is to be told of undos since it was told last; once."""
    checkpoints = snapshots.timeline.all()
    own = {at.id for at in checkpoints if at.about.session == session}
    told = {at.id: set(at.about.taken_back) for at in checkpoints if at.about.kind == "undo"}
    news = [
        at
        for at in checkpoints
        if at.about.kind != "call"
        and at.state == "done"
        and not at.told
        and own & {n for of in at.about.taken_back for n in told.get(of, {of})}
    ]
    if not news:
        return ""
    paths = {change.path for at in news for change in snapshots.timeline.changes(at.id)}
    snapshots.timeline.mark_told(at.id for at in news)
    return note(sorted(path for path in paths if not is_derived(path)))


def _taken_back(
    snapshots: Snapshots, kind: Kind, chosen: Sequence[Checkpoint], *, force: bool
) -> Restored | Refused:
    with exclusively(snapshots.folder):
        going = snapshots.settle()
        if going is not None:
            raise SnapshotError(
                f"the agent is at work here ({going.about.tool or 'a call'} goes on): wait for its "
                "end, or interrupt it"
            )
        contents = Contents(snapshots.store)
        plan = _planned(snapshots, chosen, contents)
        blocking = tuple(conflict for conflict in plan.conflicts if conflict.why != "not kept")
        if blocking and not force:
            return Refused(blocking)
        contents.flush()
        left = tuple(conflict for conflict in plan.conflicts if not conflict.can_be_forced)
        skipped = {conflict.path for conflict in left}
        steps = tuple(step for step in plan.steps if step.path not in skipped)
        _carry_out(snapshots, kind, chosen, steps)
    return Restored(steps, left, len(chosen))


def _planned(snapshots: Snapshots, chosen: Sequence[Checkpoint], contents: Contents) -> Plan:
    root, timeline = snapshots.root, snapshots.timeline
    changes = [change for at in chosen for change in timeline.changes(at.id)]
    plan = planned(
        steps_back(changes),
        lambda path: state_at(root, path, contents.save),
        lambda path: below(root, path),
    )
    doubtful = {
        change.path for at in chosen if at.state == "doubtful" for change in timeline.changes(at.id)
    }
    known = {conflict.path for conflict in plan.conflicts}
    doubts = [
        Conflict(step.path, "not seen to its end")
        for step in plan.steps
        if step.path in doubtful - known
        and not (isinstance(step.target, Folder) or is_derived(step.path))
    ]
    return Plan(plan.steps, (*plan.conflicts, *doubts))


def _carry_out(
    snapshots: Snapshots, kind: Kind, chosen: Sequence[Checkpoint], steps: Sequence[Step]
) -> None:
    """Journal what will be done, do it, and journal that it is done."""
    about = Described(kind=kind, taken_back=tuple(at.id for at in chosen))
    changes = [Change(step.path, step.expected, step.target) for step in steps]
    number = snapshots.timeline.begin(about, "", changes, known=True)
    hit("undo_journalled")
    try:
        restore(snapshots.root, steps, snapshots.store.content)
    except OSError as error:
        # What was reached is what is journalled: a redo puts that back.
        done = [at for change in changes if (at := _reached(snapshots, change)) is not None]
        if not done:
            snapshots.timeline.forget([number])
            raise SnapshotError(f"nothing was put back: {error}") from error
        snapshots.timeline.finish(number, done)
        raise SnapshotError(f"not all was put back: {error}; codegen redo goes back") from error
    hit("undo_restored")
    kept = [change for change in changes if not _stays(snapshots, change)]
    snapshots.timeline.restored(number, about, kept)


def _reached(snapshots: Snapshots, change: Change) -> Change | None:
    now = state_at(snapshots.root, change.path)
    return None if now == change.before else Change(change.path, change.before, now)


def _stays(snapshots: Snapshots, change: Change) -> bool:
    """A folder that was to go, and holds what others put there."""
    return isinstance(change.after, Missing) and isinstance(
        state_at(snapshots.root, change.path), Folder
    )
