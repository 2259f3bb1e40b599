"""`codegen diff` and `codegen checkpoints`: what the agent changed, offline.

Shows; changes nothing.
"""

import os
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from executor.cli.undo import opened
from executor.errors import SnapshotError
from executor.snapshots import choose
from executor.snapshots.derived import is_derived
from executor.snapshots.patch import patch
from executor.snapshots.snapshots import Snapshots
from executor.snapshots.states import Change, Folder, counted
from executor.snapshots.timeline import BACKGROUND, Checkpoint
from executor.view.look import Look, Style, look_of
from executor.view.safe_text import safe_line, safe_text

_DOUBTS = {True: "of a background command, or yours", False: "killed meanwhile"}
LISTED_MAX = 50
CONVERSATION_MAX = 15
_TITLE_CHARACTERS = 72
_STYLES: dict[str, Style] = {"+": "green", "-": "red", "@": "cyan"}


def diff_command(*, run: bool, cwd: Path | None) -> int:
    """What stands of the last session, or of the last run, as a patch for `git apply`."""
    with opened(cwd) as snapshots:
        pieces = patch_of(snapshots, run=run)
        if sys.stdout.isatty():
            _painted(pieces, look_of(os.environ, sys.stdout.encoding))
            return 0
        for piece in pieces:
            sys.stdout.buffer.write(piece.encode("utf-8", "surrogateescape"))
        sys.stdout.buffer.flush()
    return 0


def checkpoints_command(*, everything: bool, cwd: Path | None) -> int:
    """A line for each call that changed something, the latest first."""
    with opened(cwd) as snapshots:
        lines = checkpoint_lines(snapshots, None if everything else LISTED_MAX)
    for line in lines:
        sys.stdout.write(f"{line}\n")
    return 0


def patch_of(snapshots: Snapshots, *, run: bool) -> Iterable[str]:
    """Raises SnapshotError where nothing stands."""
    timeline = snapshots.timeline
    chosen = (choose.last_run if run else choose.last_session)(timeline.all())
    return patch(_told(snapshots, chosen), snapshots.store.content)


def session_patch(root: Path, session: str) -> str:
    """What stands of one session; empty where that is nothing. Raises SnapshotError."""
    with opened(root) as snapshots:
        timeline = snapshots.timeline
        chosen = [at for at in choose.standing(timeline.all()) if at.about.session == session]
        return "".join(patch(_told(snapshots, chosen), snapshots.store.content))


def _told(snapshots: Snapshots, chosen: Sequence[Checkpoint]) -> list[Change]:
    return [
        change
        for at in chosen
        for change in snapshots.timeline.changes(at.id)
        if not is_derived(change.path)
    ]


def checkpoint_lines(snapshots: Snapshots, most: int | None) -> list[str]:
    """Safe to show. Raises SnapshotError where there are none."""
    shown = [at for at in snapshots.timeline.all() if at.state != "open"]
    if not shown:
        raise SnapshotError(choose.NOTHING)
    lines = [_line(snapshots, at) for at in shown[:most]]
    more = 0 if most is None else len(shown) - most
    return [*lines, f"and {more} older ones (--all)"] if more > 0 else lines


def _line(snapshots: Snapshots, at: Checkpoint) -> str:
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at.at))
    files = [
        change
        for change in counted(snapshots.timeline.changes(at.id))
        if not (isinstance(change.before, Folder) or isinstance(change.after, Folder))
    ]
    count = f"{len(files)} file{'' if len(files) == 1 else 's'}"
    what = safe_line(at.about.title or at.about.tool, _TITLE_CHARACTERS)
    if at.about.kind != "call":
        what = f"{at.about.kind} of {', '.join(map(str, sorted(at.about.taken_back)))}"
    notes = [
        "taken back" if at.undone_by is not None else "",
        _DOUBTS[at.about.tool == BACKGROUND] if at.state == "doubtful" else "",
    ]
    note = "".join(f"  ({note})" for note in notes if note)
    return f"{at.id:>5}  {when}  {count:<9} {what}{note}"


def _painted(pieces: Iterable[str], look: Look) -> None:
    for piece in pieces:
        in_head = True
        for line in piece.removesuffix("\n").split("\n"):
            in_head = in_head and not line.startswith("@@")
            sys.stdout.write(f"{look.paint(safe_text(line), _style(line, in_head=in_head))}\n")


def _style(line: str, *, in_head: bool) -> Style:
    if in_head:
        return "bold"
    return _STYLES.get(line[:1], "plain")
