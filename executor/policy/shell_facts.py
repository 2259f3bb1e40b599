"""The facts of a command line: its simple commands, and which of them are not proven to only look.

Looks through wrappers; says nothing of what follows.
"""

from collections.abc import Iterator

import msgspec

from executor.policy.command_line import NotPlain, Simple, take_apart
from executor.policy.git_looks import shows_history
from executor.policy.harmless import not_harmless
from executor.policy.programs import FILTERS
from executor.policy.standpoint import Standpoint
from executor.policy.wrappers import MAX_DEPTH, unwrapped


class Judged(msgspec.Struct, frozen=True):
    """One simple command, or a wrapper with what it runs."""

    command: Simple
    why: str | None
    """Why it is not proven to only look; None when it is."""
    inner: "tuple[Judged, ...]" = ()
    """What it runs, and changes nothing about."""
    exact: bool = True
    """False where a line within could not be taken apart."""

    @property
    def all(self) -> "Iterator[Judged]":
        """Itself, and whatever it runs."""
        yield self
        for one in self.inner:
            yield from one.all

    @property
    def unproven(self) -> "Iterator[Judged]":
        """The innermost commands that are not proven to only look."""
        if self.why is None:
            return
        if not self.inner or not self.exact:
            yield self
        for one in self.inner if self.exact else ():
            yield from one.unproven


def judged_line(line: str, at: Standpoint, depth: int = 0) -> tuple[Judged, ...] | NotPlain:
    taken = take_apart(line)
    return taken if isinstance(taken, NotPlain) else _judged(taken.commands, at, depth)


def _judged(commands: tuple[Simple, ...], at: Standpoint, depth: int) -> tuple[Judged, ...]:
    """Behind a `cd` that leads elsewhere, nothing is proven."""
    judged: list[Judged] = []
    lost = history = False
    for command in commands:
        if lost:
            judged.append(Judged(command, "it runs in another folder"))
            continue
        one = _one(command, at, depth, by_shell=True)
        if (
            one.why is None
            and history
            and any(each.command.words[0] in FILTERS for each in one.all)
        ):
            one = Judged(command, f"{command.words[0]} may leave out of which file git's lines are")
        history = history or _shows_history(one, at)
        judged.append(one)
        if command.words[0] == "cd":
            entered = at.entering(command.words[1]) if one.why is None else None
            lost = entered is None
            at = entered or at
    return tuple(judged)


def _shows_history(judged: Judged, at: Standpoint) -> bool:
    """Whether git shows what files held: whichever filter comes later may take the lines that name
    the files."""
    commands = (one.command.words for one in judged.all if not one.inner)
    return any(words[0] == "git" and shows_history(words[1:], at) for words in commands)


def _one(command: Simple, at: Standpoint, depth: int, *, by_shell: bool) -> Judged:
    behind = unwrapped(command) if depth < MAX_DEPTH else None
    if behind is None:
        return Judged(command, not_harmless(command, at, by_shell=by_shell))
    if isinstance(behind, str):
        inner = judged_line(behind, at, depth + 1)
        if isinstance(inner, NotPlain):
            return Judged(command, inner.why, exact=False)
    else:
        inner = (_one(behind, at, depth + 1, by_shell=command.words[0] == "time"),)
    why = next((one.why for one in inner if one.why is not None), None)
    program = command.words[0]
    if why is None and at.ground.is_planted(program):
        return Judged(command, f"{program} is a file of this project")
    return Judged(command, why, inner, exact=all(one.exact for one in inner))
