"""The snapshots of one project: begin a checkpoint before a change, finish it with what changed.

Blocks, for as long as a look at the project takes; who calls it when is the session's business.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import msgspec

from executor.snapshots.derived import is_derived
from executor.snapshots.exact import state_at
from executor.snapshots.manifest import Manifest
from executor.snapshots.place import Owner, exclusively, is_alive, remove_the_dead
from executor.snapshots.plan import Step
from executor.snapshots.restore import go_on
from executor.snapshots.scan import Bounds, Scan
from executor.snapshots.states import MISSING, Change, State, Unsaved
from executor.snapshots.store import Contents, Store
from executor.snapshots.timeline import Checkpoint, Described, Timeline
from executor.workspace.ignored_above import rules_from_above
from executor.workspace.resolved import FOLDER_FLAGS


class Look(msgspec.Struct, frozen=True):
    """What one look at the whole project found."""

    changes: tuple[Change, ...]
    unsaved: tuple[str, ...] = ()
    """Of these, files that are too large to be kept, or can't be read."""
    is_first: bool = False


class Watch(msgspec.Struct, frozen=True):
    """Who waits for a look."""

    cancelled: Callable[[], bool] = lambda: False
    progress: Callable[[int], None] = lambda _: None
    """Is told now and then how many names were looked at."""


class Beside(msgspec.Struct, frozen=True):
    """Whose it is what changed since the last look, while no call went on."""

    about: Described
    edited: Mapping[str, State]
    """What calls that name their paths have left there since that look: theirs, not this one's."""


class Snapshots:
    """Open while a session or a command needs it. Methods raise SnapshotError and OSError."""

    def __init__(self, folder: Path, root: Path, bounds: Bounds | None = None) -> None:
        self.folder = folder
        self.root = os.open(root, FOLDER_FLAGS)
        try:
            self.store = Store(folder)
        except BaseException:
            os.close(self.root)
            raise
        self.timeline = Timeline(self.store)
        self._bounds = bounds or Bounds()
        self._from_above = rules_from_above(root.resolve())
        self._manifest: Manifest = {}
        self._generation = -1

    def close(self) -> None:
        self.store.close()
        os.close(self.root)

    def begin(self, about: Described, owner: Owner, paths: Iterable[str]) -> int:
        """A checkpoint of a call that changes these paths at most."""
        with exclusively(self.folder):
            self.settle()
            contents = Contents(self.store)
            befores = [
                Change(path, state_at(self.root, path, contents.save), MISSING)
                for path in _with_folders(paths)
            ]
            with self.store.transaction():
                contents.flush()
                return self.timeline.begin(about, owner.name, befores)

    def begin_whole(
        self, about: Described, owner: Owner, watch: Watch, beside: Beside | None = None
    ) -> tuple[int, Look] | None:
        """A checkpoint of a call that may change anything; None where it was cancelled.

        What had changed before is nobody's, or `beside`'s.
        """
        with exclusively(self.folder):
            going = self.settle()
            scanned = self._scanned(watch, reclassify=True)
            if scanned is None:
                return None
            with self.store.transaction():
                look = self._taken_in(scanned)
                if going is not None and going.about.whole:
                    # Found while another session's call goes on: it is that call's, if anybody's.
                    self.timeline.add(going.id, look.changes)
                elif beside is not None:
                    self._keep_beside(beside, look)
                return self.timeline.begin(about, owner.name), look

    def look_beside(self, beside: Beside, watch: Watch) -> None:
        """Keep what has changed since the last look as `beside`'s; nothing where cancelled."""
        with exclusively(self.folder):
            self.settle()
            scanned = self._scanned(watch, reclassify=True)
            if scanned is not None:
                with self.store.transaction():
                    self._keep_beside(beside, self._taken_in(scanned))

    def finish(self, checkpoint: int, watch: Watch, *, whole: bool) -> tuple[Change, ...] | None:
        """Close a checkpoint with what changed; None where the look was cancelled: it stays open,
        to be closed by whoever comes next."""
        with exclusively(self.folder):
            return self._finish(checkpoint, watch, whole=whole, doubtful=False)

    def settle_alone(self) -> None:
        """`settle` for whoever only wants to see how things stand."""
        with exclusively(self.folder):
            self.settle()

    def settle(self) -> Checkpoint | None:
        """Close what killed processes have left open: calls with what changed since, restorations
        by finishing them. The lock is held. Returns a call that goes on at this moment."""
        going = None
        for checkpoint in reversed(self.timeline.all()):
            if checkpoint.state != "open":
                continue
            if checkpoint.about.kind != "call":  # whoever restores holds the lock: it is gone
                self._finish_restoration(checkpoint)
            elif is_alive(self.folder, checkpoint.owner):
                going = checkpoint
            else:
                whole = checkpoint.about.whole
                self._finish(checkpoint.id, Watch(), whole=whole, doubtful=True)
        remove_the_dead(self.folder)
        return going

    def _keep_beside(self, beside: Beside, look: Look) -> None:
        """Nobody saw who changed it: the user may have."""
        found = (
            Change(at.path, beside.edited.get(at.path, at.before), at.after) for at in look.changes
        )
        changes = [change for change in found if change.before != change.after]
        if not all(is_derived(change.path) for change in changes):
            number = self.timeline.begin(beside.about, "")
            self.timeline.finish(number, changes, doubtful=True)

    def _finish_restoration(self, checkpoint: Checkpoint) -> None:
        changes = self.timeline.changes(checkpoint.id)
        steps = [Step(change.path, change.before, change.after) for change in changes]
        left = set(go_on(self.root, steps, self.store.content))
        done = [change for change in changes if change.path not in left]
        self.timeline.restored(checkpoint.id, checkpoint.about, done)

    def _finish(
        self, checkpoint: int, watch: Watch, *, whole: bool, doubtful: bool
    ) -> tuple[Change, ...] | None:
        if whole:
            scanned = self._scanned(watch, reclassify=False)
            if scanned is None:
                return None
            with self.store.transaction():
                found = self._taken_in(scanned).changes
                changes = _joined(self.timeline.changes(checkpoint), found)
                if all(is_derived(change.path) for change in changes):
                    changes = ()
                self.timeline.finish(checkpoint, changes, doubtful=doubtful)
            return changes
        contents = Contents(self.store)
        known = self.timeline.changes(checkpoint)
        afters = [state_at(self.root, change.path, contents.save) for change in known]
        changes = tuple(
            Change(change.path, change.before, after)
            for change, after in zip(known, afters, strict=True)
            if change.before != after
        )
        with self.store.transaction():
            contents.flush()
            self.timeline.finish(checkpoint, changes, doubtful=doubtful)
        return changes

    def _scanned(self, watch: Watch, *, reclassify: bool) -> tuple[Scan, Contents] | None:
        """One whole scan, whose contents are kept already where they are many."""
        if self.store.generation() != self._generation:
            self._manifest = self.store.manifest()
        contents = Contents(self.store)

        def cancelled() -> bool:
            watch.progress(scan.files)
            return watch.cancelled()

        scan = Scan(
            self._manifest,
            contents.save,
            bounds=self._bounds,
            reclassify=reclassify,
            cancelled=cancelled,
        )
        return (scan, contents) if scan.run(self.root, self._from_above) else None

    def _taken_in(self, scanned: tuple[Scan, Contents]) -> Look:
        """Bring the manifest up to date, here and in the store."""
        scan, contents = scanned
        contents.flush()
        is_first = not self._manifest
        for path in scan.gone:
            self._manifest.pop(path, None)
        self._manifest.update(scan.changed)
        self._generation = -1  # until the store has it too
        self._generation = self.store.advance(scan.changed, scan.gone)
        changes = tuple(scan.changes)
        unsaved = tuple(change.path for change in changes if isinstance(change.after, Unsaved))
        return Look(changes, unsaved, is_first)


def _joined(earlier: Iterable[Change], later: Iterable[Change]) -> tuple[Change, ...]:
    """One change for each path, of those that two looks have found."""
    found = {change.path: change for change in earlier}
    for change in later:
        known = found.get(change.path, change)
        found[change.path] = Change(change.path, known.before, change.after)
    return tuple(change for change in found.values() if change.before != change.after)


def _with_folders(paths: Iterable[str]) -> list[str]:
    """The paths and every folder above them, each once, folders first."""
    found: dict[str, None] = {}
    for path in paths:
        parts = path.split("/")
        for depth in range(1, len(parts) + 1):
            found["/".join(parts[:depth])] = None
    return list(found)
