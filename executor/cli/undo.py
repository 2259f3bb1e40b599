"""`codegen undo` and `codegen redo`: take back what the agent changed, offline.

Chooses, asks where somebody's own changes would be lost, and says what was done.
"""

import sys
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path

from executor.cli.placing import here
from executor.errors import SnapshotError, UsageError
from executor.session.settling import settle_strays
from executor.snapshots import choose
from executor.snapshots.derived import is_derived
from executor.snapshots.place import snapshot_folder, somebody_died
from executor.snapshots.plan import Conflict, Step
from executor.snapshots.snapshots import Snapshots
from executor.snapshots.states import Folder, Missing
from executor.snapshots.store import FILE
from executor.snapshots.timeline import Checkpoint
from executor.snapshots.undoing import Refused, Restored, redo, undo
from executor.view.safe_text import safe_line
from executor.workspace.names import printable

SHOWN_MAX = 40
Choice = Callable[[Sequence[Checkpoint]], list[Checkpoint]]
_REASONS = {
    "changed since": "you changed it since",
    "changed between": "you changed it between two calls of the agent",
    "not seen to its end": "changed while nobody watched (the agent was killed, or a command ran "
    "in the background): it may have been you",
    "in the way": "something else is in its place",
    "not kept": "too large to be kept, left as it is",
}


def undo_command(
    count: int | None, *, run: bool, to: str | None, force: bool, cwd: Path | None
) -> int:
    """The last run, `count` calls, or everything since a call. Raises UsageError, SnapshotError."""
    choice = choice_of(count, run=run, to=to)
    with opened(cwd) as snapshots:
        chosen = choice(snapshots.timeline.all())
        return _settled(lambda sure: undo(snapshots, chosen, force=sure), "back", force=force)


def redo_command(*, force: bool, cwd: Path | None) -> int:
    """The last undo is taken back. Raises SnapshotError where there is none."""
    with opened(cwd) as snapshots:
        return _settled(lambda sure: redo(snapshots, force=sure), "again", force=force)


def take_back_calls(session: str, calls: Iterable[str]) -> int:
    """What the first of `calls` that changed something changed, and all of that session since.

    Raises SnapshotError.
    """
    with opened(None) as snapshots:
        checkpoints = snapshots.timeline.all()
        mine = {at.about.call for at in choose.standing(checkpoints) if at.about.session == session}
        first = next((call for call in calls if call in mine), None)
        if first is None:
            raise SnapshotError("these turns changed no file")
        chosen = choose.since(checkpoints, first, session)
        return _settled(lambda sure: undo(snapshots, chosen, force=sure), "back", force=False)


def undo_lines(root: Path, argument: str) -> list[str]:
    """`/undo [N | --to CALL] [--force]`, in words. Raises UsageError, SnapshotError."""
    words = argument.split()
    force = "--force" in words
    words = [word for word in words if word != "--force"]
    match words:
        case []:
            choice = choice_of(None, run=True, to=None)
        case [count] if count.isdecimal():
            choice = choice_of(int(count), run=False, to=None)
        case ["--to", call]:
            choice = choice_of(None, run=False, to=call)
        case _:
            raise UsageError("/undo, /undo N or /undo --to CALL; --force overwrites your changes")
    with opened(root) as snapshots:
        outcome = undo(snapshots, choice(snapshots.timeline.all()), force=force)
    return _in_words(outcome, "back")


def redo_lines(root: Path, argument: str) -> list[str]:
    """`/redo [--force]`, in words. Raises UsageError, SnapshotError."""
    if argument not in ("", "--force"):
        raise UsageError("/redo takes nothing but --force: it does again what was taken back last")
    with opened(root) as snapshots:
        outcome = redo(snapshots, force=argument == "--force")
    return _in_words(outcome, "again")


def _in_words(outcome: Restored | Refused, how: str) -> list[str]:
    if isinstance(outcome, Refused):
        return [*refusal_lines(outcome), "nothing was touched: --force overwrites"]
    return outcome_lines(outcome, how)


def choice_of(count: int | None, *, run: bool, to: str | None) -> Choice:
    """What is meant by the arguments of `undo`; raises UsageError for two at once."""
    if (count is not None) + run + (to is not None) > 1:
        raise UsageError("undo takes one of N, --run and --to CALL")
    if to is not None:
        return lambda checkpoints: choose.since(checkpoints, to)
    if count is not None:
        return lambda checkpoints: choose.last_calls(checkpoints, count)
    return choose.last_run


@contextmanager
def opened(cwd: Path | None) -> Generator[Snapshots]:
    """The snapshots of the project around `cwd`: of the nearest folder above it that has some."""
    start = (cwd or Path.cwd()).resolve()
    state = here().state
    for root in (start, *start.parents):
        if not root.is_dir():
            raise UsageError(f"--cwd: {start} is not a directory")
        folder = snapshot_folder(state, root)
        if (folder / FILE).exists():
            break
    else:
        raise SnapshotError(choose.NOTHING)
    if somebody_died(folder):
        _print(settle_strays(state, root), sys.stderr.write)
    snapshots = Snapshots(folder, root)
    try:
        snapshots.settle_alone()  # a call that was killed counts as well
        yield snapshots
    finally:
        snapshots.close()


def outcome_lines(outcome: Restored, how: str) -> list[str]:
    """What was done, a line for each file; `how` is `back` or `again`."""
    own = [step for step in outcome.steps if not is_derived(step.path)]
    files = [step for step in own if not _is_folder(step)] or own
    lines = [_done(step) for step in files[:SHOWN_MAX]]
    if len(files) > SHOWN_MAX:
        lines.append(f"and {len(files) - SHOWN_MAX} more")
    lines += [_told(conflict) for conflict in outcome.left]
    if not outcome.steps:
        lines.append("everything is as it should be already: nothing was touched")
        return lines
    count = f"{len(files)} file{'' if len(files) == 1 else 's'}"
    if how == "back":
        lines.append(f"took back {count}; codegen redo does it again")
    else:
        lines.append(f"did {count} again; codegen undo takes it back")
    return lines


def refusal_lines(refused: Refused) -> list[str]:
    """Whose changes would be lost."""
    lines = [_told(conflict) for conflict in refused.conflicts[:SHOWN_MAX]]
    more = len(refused.conflicts) - SHOWN_MAX
    return [*lines, f"and {more} more"] if more > 0 else lines


def _settled(restore: Callable[[bool], Restored | Refused], how: str, *, force: bool) -> int:
    outcome = restore(force)
    if isinstance(outcome, Refused) and _is_overruled(outcome):
        outcome = restore(True)
    if isinstance(outcome, Refused):
        raise SnapshotError(
            "nothing was touched: --force overwrites what you changed (redo brings it back), and "
            "codegen diff shows what the agent did"
        )
    _print(outcome_lines(outcome, how), sys.stdout.write)
    return 0


def _is_overruled(refused: Refused) -> bool:
    """Shows what would be lost; where somebody sits there, asks."""
    _print(refusal_lines(refused), sys.stderr.write)
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    sys.stderr.write("Overwrite? What stands there is kept for codegen redo. [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _print(lines: Iterable[str], write: Callable[[str], object]) -> None:
    for line in lines:
        write(f"{safe_line(line, 400)}\n")


def _is_folder(step: Step) -> bool:
    return isinstance(step.target, Folder) or isinstance(step.expected, Folder)


def _done(step: Step) -> str:
    word = "removed " if isinstance(step.target, Missing) else "restored"
    return f"{word} {printable(step.path)}"


def _told(conflict: Conflict) -> str:
    return f"{printable(conflict.path)}: {_REASONS[conflict.why]}"
