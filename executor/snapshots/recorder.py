"""Keep what the calls of one session change, each as a checkpoint, and say where that fails.

Blocks; the caller runs it off the loop. A failure to keep is told and never stops a call.
"""

import secrets
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from executor.errors import ProjectTooBig, SnapshotError
from executor.snapshots.exact import FILE_MAX
from executor.snapshots.place import Owner, snapshot_folder
from executor.snapshots.pruning import prune_if_due
from executor.snapshots.snapshots import Beside, Look, Snapshots, Watch
from executor.snapshots.states import Change, State, counted
from executor.snapshots.timeline import BACKGROUND, Described
from executor.snapshots.undoing import note_for
from executor.workspace.names import printable

PATIENCE_SECONDS = 1.0
"""A first look that takes longer is told."""
_TELL_SECONDS = 10.0
_NAMED = 5


class _Open(msgspec.Struct, frozen=True):
    checkpoint: int
    whole: bool


class Recorder:
    """Made for a session before its first change; used by one call after the other."""

    def __init__(
        self,
        state: Path,
        root: Path,
        tell: Callable[[str], None],
        *,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        """`tell` takes a line for the user, from any thread. Raises SnapshotError, OSError."""
        self._patience = patience
        self._snapshots = Snapshots(snapshot_folder(state, root), root)
        self._owner = Owner(self._snapshots.folder, secrets.token_hex(8))
        self._tell_user = tell
        self._told: set[str] = set()
        self._run = secrets.token_hex(4)
        self._changed: dict[str, Change] = {}
        self._open: dict[str, _Open] = {}
        self._too_big = False
        self._behind: Described | None = None
        """The call of which a command was left in the background, until a look finds none there."""
        self._edited: dict[str, State] = {}
        """What edits have left at their paths since the last look at everything."""

    def before(
        self, about: Described, paths: tuple[str, ...] | None, cancelled: Callable[[], bool]
    ) -> None:
        """Keep what the call may change: the files at `paths`, or where None, everything."""
        about = msgspec.structs.replace(about, run=self._run, whole=paths is None)
        try:
            if paths is not None:
                begun = self._snapshots.begin(about, self._owner, paths)
            elif self._too_big:
                return
            else:
                whole = self._snapshots.begin_whole(
                    about, self._owner, Watch(cancelled, self._progress()), self._beside()
                )
                if whole is None:
                    return
                self._edited = {}
                begun = whole[0]
                self._tell_unsaved(whole[1])
        except ProjectTooBig as error:
            self._too_big = True
            self._tell(
                f"what commands change here can't be undone: {error}; edits of files can (a line "
                "in .gitignore leaves out what need not be kept)"
            )
        except (SnapshotError, OSError) as error:
            self._tell(f"what this changes can't be undone: {error}")
        else:
            self._open[about.call] = _Open(begun, paths is None)

    def after(self, call: str, cancelled: Callable[[], bool]) -> None:
        """Keep what the call did change; without `before` it is nothing."""
        begun = self._open.pop(call, None)
        if begun is None:
            return
        try:
            changes = self._snapshots.finish(begun.checkpoint, Watch(cancelled), whole=begun.whole)
        except (SnapshotError, OSError) as error:
            self._too_big = self._too_big or isinstance(error, ProjectTooBig)
            self._tell(f"what {call} changed can't be undone: {error}")
            return
        if begun.whole:
            self._edited = {}
        for change in changes or ():
            self._changed[change.path] = change
            if not begun.whole:
                self._edited[change.path] = change.after

    def left_behind(self, about: Described | None) -> None:
        """The call `about` ended, and commands run in the background; None: none does."""
        if about is None or self._behind is None:
            title = "" if about is None else f"in the background: {about.title}"
            self._behind = about and msgspec.structs.replace(
                about, run=self._run, call="", tool=BACKGROUND, title=title, whole=True
            )

    def look_behind(self, cancelled: Callable[[], bool]) -> None:
        """Keep what a command in the background has changed since somebody looked."""
        beside = self._beside()
        if beside is None or self._too_big:
            return
        try:
            self._snapshots.look_beside(beside, Watch(cancelled))
        except (SnapshotError, OSError) as error:
            self._tell(f"what commands in the background changed can't be undone: {error}")
        self._edited = {}

    def _beside(self) -> Beside | None:
        return None if self._behind is None else Beside(self._behind, self._edited)

    def run_ended(self) -> int:
        """How many files the run has changed; folders only where there is nothing else."""
        count = len(counted(tuple(self._changed.values())))
        self._changed = {}
        self._run = secrets.token_hex(4)
        return count

    def news(self, session: str) -> str:
        """What the model is to be told of undos since; empty where there is nothing."""
        return note_for(self._snapshots, session)

    def close(self) -> None:
        """Calls that are still open are closed by whoever opens the snapshots next."""
        try:
            prune_if_due(self._snapshots.store)
        except (SnapshotError, OSError) as error:
            self._tell(f"old snapshots were not removed: {error}")
        self._owner.close()
        self._snapshots.close()

    def _progress(self) -> Callable[[int], None]:
        due = time.monotonic() + self._patience

        def progress(names: int) -> None:
            nonlocal due
            if time.monotonic() > due:
                due = time.monotonic() + _TELL_SECONDS
                self._tell_user(
                    "keeping the project's files, so that what commands change can be undone: "
                    f"{names:,} so far"
                )

        return progress

    def _tell_unsaved(self, look: Look) -> None:
        if not look.unsaved or not look.is_first:
            return
        names = ", ".join(printable(path) for path in look.unsaved[:_NAMED])
        more = len(look.unsaved) - _NAMED
        self._tell(
            f"undo can't bring these back, larger than {FILE_MAX // 1024**2} MB or not to be read: "
            f"{names}{f' and {more} more' if more > 0 else ''}"
        )

    def _tell(self, text: str) -> None:
        """Once each."""
        if text not in self._told:
            self._told.add(text)
            self._tell_user(text)
