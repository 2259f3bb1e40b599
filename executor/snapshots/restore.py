"""Carry a plan out, beneath the root by handles; begun again after a kill, it ends the same.

Takes away the deepest first, then makes folders from above, then files and links, and sets the
modes of folders last. What was decided to be done is done; nothing is asked here.
"""

import os
from collections.abc import Callable, Sequence

from executor.snapshots.derived import is_derived
from executor.snapshots.exact import below, put, remove, set_mode, state_at, sweep
from executor.snapshots.plan import Step
from executor.snapshots.states import Folder, Link, Missing, Saved, State, same_kind

SYNCED_ONE_BY_ONE = 100
"""Of more, all are brought to disk at once, with whatever else the machine has to write."""


def restore(root: int, steps: Sequence[Step], content: Callable[[bytes], bytes]) -> None:
    """Put every target in its place, on disk when it returns.

    Raises OSError and SnapshotError, with part of it done.
    """
    few = len(steps) <= SYNCED_ONE_BY_ONE
    ordered = sorted(steps, key=lambda step: step.path.count("/"))
    for step in ordered:
        if isinstance(step.expected, Folder) and isinstance(step.target, Folder):
            set_mode(root, step.path, step.target.mode | 0o700)
    for step in reversed(ordered):
        _clear(root, step)
    for step in ordered:
        if isinstance(step.target, Folder):
            put(root, step.path, step.target, content)
    for step in ordered:
        if isinstance(step.target, Saved | Link):
            put(root, step.path, step.target, content, synced=few)
    for step in reversed(ordered):
        if isinstance(step.target, Folder):
            set_mode(root, step.path, step.target.mode)
    if not few:
        os.sync()


def go_on(root: int, steps: Sequence[Step], content: Callable[[bytes], bytes]) -> list[str]:
    """Finish what a killed process began; the paths that somebody changed since are left alone."""
    todo: list[Step] = []
    left: list[str] = []
    for step in steps:
        sweep(root, step.path)
        now = state_at(root, step.path)
        if now == step.target:
            continue
        if now == step.expected or _is_half_way(now, step):
            todo.append(Step(step.path, now, step.target))
        else:
            left.append(step.path)
    restore(root, todo, content)
    return left


def _clear(root: int, step: Step) -> None:
    """Take away what can't be replaced in one move. A folder that others use stays."""
    now = state_at(root, step.path)
    if isinstance(now, Missing) or same_kind(now, step.target):
        return
    if isinstance(now, Folder):
        _clear_derived(root, step.path)
    if isinstance(now, Folder) or isinstance(step.target, Missing | Folder):
        remove(root, step.path, is_folder=isinstance(now, Folder))


def _clear_derived(root: int, folder: str) -> None:
    """Where a folder that goes holds only what programs derived, that goes along."""
    left = list(below(root, folder))
    if all(map(is_derived, left)):
        for path in left:
            remove(root, path, is_folder=isinstance(state_at(root, path), Folder))


def _is_half_way(now: State, step: Step) -> bool:
    """Taken away and not put back, or a folder whose mode was not settled."""
    if isinstance(now, Folder):
        return isinstance(step.target, Folder) or isinstance(step.expected, Folder)
    return isinstance(now, Missing)
