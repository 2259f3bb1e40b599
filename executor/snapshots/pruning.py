"""Keep the snapshots small: what is old goes, and what nothing refers to any more.

Not on the path of a call; what a session still needs is never touched.
"""

import shutil
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from executor.errors import SnapshotError
from executor.snapshots.place import exclusively
from executor.snapshots.states import Saved, State
from executor.snapshots.store import FILE, Store
from executor.snapshots.timeline import Timeline

KEPT_SECONDS = 30 * 24 * 3600.0
KEPT_BYTES = 8 * 1024**3
"""Of contents, for each project."""
EVERY_SECONDS = 24 * 3600


def prune_if_due(store: Store) -> None:
    """Once a day: this project's old checkpoints, and the stores of projects that nobody uses.

    Raises SnapshotError.
    """
    now = int(time.time())
    if now - store.fact("pruned") < EVERY_SECONDS:
        return
    store.set_fact("pruned", now)
    with exclusively(store.folder):
        prune(store)
    remove_unused(store.folder.parent)


def prune(store: Store, *, older_than: float = KEPT_SECONDS, most_bytes: int = KEPT_BYTES) -> None:
    """The lock is held. Raises SnapshotError."""
    timeline = Timeline(store)
    closed = [at for at in timeline.all() if at.state != "open"]
    timeline.forget(at.id for at in closed if time.time() - at.at > older_than)
    _drop_unused(store, timeline)
    closed = [at for at in timeline.all() if at.state != "open"]
    while closed and _size(store) > most_bytes:
        oldest = closed[-max(len(closed) // 4, 1) :]
        timeline.forget(at.id for at in oldest)
        closed = closed[: -len(oldest)]
        _drop_unused(store, timeline)
    store.rows("PRAGMA incremental_vacuum")


def remove_unused(stores: Path) -> None:
    """Delete the stores that nobody has written for KEPT_SECONDS."""
    for folder in stores.iterdir():
        with suppress(OSError, SnapshotError):
            if time.time() - (folder / FILE).stat().st_mtime > KEPT_SECONDS:
                with exclusively(folder, seconds=0):
                    shutil.rmtree(folder)


def _drop_unused(store: Store, timeline: Timeline) -> None:
    used: set[bytes] = set()
    for listing in store.manifest().values():
        used.update(_digests(seen.state for seen in listing.names.values()))
    for at in timeline.all():
        for change in timeline.changes(at.id):
            used.update(_digests((change.before, change.after)))
    with store.transaction() as execute:
        for number, digest in store.rows("SELECT id, digest FROM contents"):
            if digest not in used:
                execute("DELETE FROM contents WHERE id = ?", (number,))


def _digests(states: Iterable[State | None]) -> Iterable[bytes]:
    return (state.digest for state in states if isinstance(state, Saved))


def _size(store: Store) -> int:
    return store.rows("SELECT coalesce(sum(size), 0) FROM contents")[0][0]
