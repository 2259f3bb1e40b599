"""What must be put where to take changes back, and what stands in the way.

Pure: states in, steps out. `restore` carries them out.
"""

from collections.abc import Callable, Iterable
from typing import Literal

import msgspec

from executor.snapshots.derived import is_derived
from executor.snapshots.states import Change, Folder, Missing, State, Unsaved

Why = Literal["changed since", "changed between", "not seen to its end", "in the way", "not kept"]
_FORCED = frozenset[Why]({"changed since", "changed between", "not seen to its end"})


class Step(msgspec.Struct, frozen=True):
    """One path: what is expected to stand there, and what is to be put there."""

    path: str
    expected: State
    target: State
    was_changed_between: bool = False
    """Somebody else changed it between two of the changes that are taken back."""


class Conflict(msgspec.Struct, frozen=True):
    """A path that is left as it is unless the user says otherwise."""

    path: str
    why: Why

    @property
    def can_be_forced(self) -> bool:
        return self.why in _FORCED


class Plan(msgspec.Struct, frozen=True):
    steps: tuple[Step, ...]
    """What is to be done; `expected` is what stands there at this moment."""
    conflicts: tuple[Conflict, ...] = ()


def steps_back(changes: Iterable[Change]) -> list[Step]:
    """From the changes, the latest first, to one step for each path."""
    steps: dict[str, Step] = {}
    for change in changes:
        later = steps.get(change.path)
        if later is None:
            steps[change.path] = Step(change.path, change.after, change.before)
            continue
        between = later.was_changed_between or change.after != later.target
        if change.before == later.target:  # two calls at one time have both seen it
            between = later.was_changed_between
        steps[change.path] = Step(change.path, later.expected, change.before, between)
    return [step for step in steps.values() if step.expected != step.target]


def planned(
    steps: Iterable[Step],
    state_at: Callable[[str], State],
    below: Callable[[str], Iterable[str]],
) -> Plan:
    """Hold `steps` against what stands there. `below` lists what a folder holds, at any depth."""
    wanted = {step.path: step for step in steps}
    present = {path: state_at(path) for path in wanted}
    todo: list[Step] = []
    conflicts: list[Conflict] = []
    for path, step in wanted.items():
        now = present[path]
        if now == step.target:
            continue
        todo.append(msgspec.structs.replace(step, expected=now))
        why = _obstacle(step, now, wanted, state_at, below)
        if why is not None:
            conflicts.append(Conflict(path, why))
    return Plan(tuple(todo), tuple(conflicts))


def _obstacle(
    step: Step,
    now: State,
    wanted: dict[str, Step],
    state_at: Callable[[str], State],
    below: Callable[[str], Iterable[str]],
) -> Why | None:
    if isinstance(step.target, Unsaved):
        return "not kept"
    if not isinstance(step.target, Missing) and _is_blocked(step.path, wanted, state_at):
        return "in the way"
    if isinstance(now, Folder) and not isinstance(step.target, Folder | Missing):
        strangers = [path for path in below(step.path) if not _goes(path, wanted)]
        if strangers:
            return "in the way"
    if is_derived(step.path):
        return None  # whoever made it last, it can be made again
    if step.was_changed_between:
        return "changed between"
    return None if now == step.expected else "changed since"


def _is_blocked(path: str, wanted: dict[str, Step], state_at: Callable[[str], State]) -> bool:
    """Some folder above it is none, and will be none."""
    parts = path.split("/")[:-1]
    for depth in range(1, len(parts) + 1):
        above = "/".join(parts[:depth])
        step = wanted.get(above)
        stands = state_at(above) if step is None else step.target
        if not isinstance(stands, Folder):
            return True
    return False


def _goes(path: str, wanted: dict[str, Step]) -> bool:
    step = wanted.get(path)
    return step is not None and isinstance(step.target, Missing)
