"""The checkpoints of a project in their order: which call changed what, and what was taken back.

Rows of the store as values; touches no project.
"""

import json
import os
import time
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import msgspec

from executor.errors import SnapshotError
from executor.snapshots.states import MISSING, Change, decoded, encoded
from executor.snapshots.store import Store

BACKGROUND = "background"
"""The `tool` of what changed while no call went on and a command ran in the background."""
Kind = Literal["call", "undo", "redo"]
CheckpointState = Literal["open", "done", "doubtful"]
"""Doubtful: nobody saw its end, so that what others changed until then may be among its changes."""


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """What a checkpoint is of."""

    kind: Kind = "call"
    session: str = ""
    run: str = ""
    """The same for all calls of one run."""
    call: str = ""
    """The tool_id."""
    tool: str = ""
    title: str = ""
    whole: bool = False
    """It may change any file, not only those that are named when it begins."""
    taken_back: tuple[int, ...] = ()


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    at: float
    """Unix time, seconds."""
    state: CheckpointState
    owner: str
    undone_by: int | None
    told: bool
    about: Described


_ALL = (
    "SELECT id, at, state, owner, undone_by, told, kind, session, run, call, tool, title, whole,"
    " taken_back FROM checkpoints ORDER BY id DESC"
)


class Timeline:
    """Every method raises SnapshotError where the store fails."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def begin(
        self, about: Described, owner: str, changes: Iterable[Change] = (), *, known: bool = False
    ) -> int:
        """A checkpoint that is open, with what stands at the paths that it may change; where it is
        `known`, also with what will stand there."""
        with self._store.transaction() as execute:
            row = execute(
                "INSERT INTO checkpoints (at, kind, state, owner, session, run, call, tool, title,"
                " whole, taken_back) VALUES (?, ?, 'open', ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    time.time(),
                    about.kind,
                    owner,
                    about.session,
                    about.run,
                    about.call,
                    about.tool,
                    about.title,
                    about.whole,
                    json.dumps(about.taken_back),
                ),
            ).lastrowid
            if row is None:
                raise SnapshotError("the snapshots took no checkpoint")
            for change in changes:
                after = encoded(change.after) if known else None
                execute(
                    "INSERT INTO changes VALUES (?, ?, ?, ?)",
                    (row, os.fsencode(change.path), encoded(change.before), after),
                )
            return row

    def add(self, checkpoint: int, changes: Iterable[Change]) -> None:
        """What an open checkpoint has changed so far, as somebody else's look has found it."""
        with self._store.transaction() as execute:
            for change in changes:
                execute(
                    "INSERT INTO changes VALUES (?, ?, ?, ?)"
                    " ON CONFLICT (checkpoint, path) DO UPDATE SET after = excluded.after",
                    (
                        checkpoint,
                        os.fsencode(change.path),
                        encoded(change.before),
                        encoded(change.after),
                    ),
                )

    def finish(self, checkpoint: int, changes: Sequence[Change], *, doubtful: bool = False) -> None:
        """Close it with what it changed; one that changed nothing is forgotten."""
        with self._store.transaction() as execute:
            execute("DELETE FROM changes WHERE checkpoint = ?", (checkpoint,))
            if not changes:
                execute("DELETE FROM checkpoints WHERE id = ? AND kind = 'call'", (checkpoint,))
            for change in changes:
                execute(
                    "INSERT INTO changes VALUES (?, ?, ?, ?)",
                    (
                        checkpoint,
                        os.fsencode(change.path),
                        encoded(change.before),
                        encoded(change.after),
                    ),
                )
            state = "doubtful" if doubtful else "done"
            execute("UPDATE checkpoints SET state = ? WHERE id = ?", (state, checkpoint))

    def restored(self, checkpoint: int, about: Described, changes: Sequence[Change]) -> None:
        """Close an undo or a redo: what it took back counts as taken back from here on."""
        with self._store.transaction():
            self.finish(checkpoint, changes)
            self.mark_undone(about.taken_back, checkpoint)
            if about.kind == "redo":
                undone = [at.about.taken_back for at in self.all() if at.id in about.taken_back]
                self.mark_undone([number for numbers in undone for number in numbers], None)

    def all(self) -> list[Checkpoint]:
        """The latest first."""
        rows = self._store.rows(_ALL)
        return [_checkpoint(row) for row in rows]

    def changes(self, checkpoint: int) -> list[Change]:
        """Of an open one, what stood there before; `after` says nothing then."""
        rows = self._store.rows(
            "SELECT path, before, after FROM changes WHERE checkpoint = ? ORDER BY path",
            (checkpoint,),
        )
        try:
            return [
                Change(
                    os.fsdecode(path),
                    decoded(before),
                    MISSING if after is None else decoded(after),
                )
                for path, before, after in rows
            ]
        except msgspec.MsgspecError as error:
            raise SnapshotError(f"checkpoint {checkpoint} is damaged: {error}") from error

    def mark_undone(self, checkpoints: Iterable[int], by: int | None) -> None:
        with self._store.transaction() as execute:
            for checkpoint in checkpoints:
                execute("UPDATE checkpoints SET undone_by = ? WHERE id = ?", (by, checkpoint))

    def mark_told(self, checkpoints: Iterable[int]) -> None:
        with self._store.transaction() as execute:
            for checkpoint in checkpoints:
                execute("UPDATE checkpoints SET told = 1 WHERE id = ?", (checkpoint,))

    def forget(self, checkpoints: Iterable[int]) -> None:
        with self._store.transaction() as execute:
            for checkpoint in checkpoints:
                execute("DELETE FROM checkpoints WHERE id = ?", (checkpoint,))


def _checkpoint(row: Sequence[Any]) -> Checkpoint:
    number, at, state, owner, undone_by, told, *rest = row
    kind, session, run, call, tool, title, whole, taken_back = rest
    about = Described(
        kind=kind,
        session=session,
        run=run,
        call=call,
        tool=tool,
        title=title,
        whole=bool(whole),
        taken_back=tuple(json.loads(taken_back)),
    )
    return Checkpoint(
        id=number,
        at=at,
        state=state,
        owner=owner,
        undone_by=undone_by,
        told=bool(told),
        about=about,
    )
