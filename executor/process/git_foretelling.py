"""Tell what the git commands of one call would throw away or rewrite, by asking git.

Only looks. Which commands a call holds, and which of them a rule names, is told from outside.
"""

import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress

import msgspec

from executor.errors import ToolFailure
from executor.process.git_losses import Doubt, doubts
from executor.process.git_runs import Git, git_in
from executor.process.processes import Processes
from executor.workspace import Workspace
from executor.workspace.resolved import FOLDER_FLAGS

COMMANDS_MAX = 20
"""Of one call, that git is asked about: some 50 ms each."""


class GitCommand(msgspec.Struct, frozen=True):
    """One git command that a call holds."""

    args: tuple[str, ...]
    """Behind git's own options. A `$` stands where the shell puts something in."""
    folder: str = "."
    """Where it runs."""
    is_named: bool = False
    """A rule of the user's allows this very command, with what it throws away."""

    @property
    def may_lose(self) -> bool:
        """Whether git has to be asked about it."""
        return bool(doubts(self.args)) and not any("\0" in arg for arg in self.args)


class Losses(msgspec.Struct, frozen=True):
    """What would be lost."""

    text: str = ""
    """In lines; empty: nothing is known."""
    command: tuple[str, ...] = ()
    """Arguments of the first command that throws away what is kept nowhere else, or rewrites what
    others have, and that no rule names; empty: none does."""


class _Loss(msgspec.Struct, frozen=True):
    text: str
    weighs: bool


async def foretold(
    commands: Sequence[GitCommand], processes: Processes, workspace: Workspace, call: str
) -> Losses:
    """What these would lose as things stand; each is held against what is there before any runs."""
    asked = [command for command in commands if command.may_lose]
    texts: dict[str, None] = {}
    weighty: tuple[str, ...] = ()
    for command in asked[:COMMANDS_MAX]:
        try:
            async with git_in(processes, workspace, call, command.folder) as git:
                losses = [await _loss(doubt, git) for doubt in doubts(command.args)]
        except ToolFailure as failure:
            losses = [
                _Loss(f"{_shown(command)}: what it loses can't be told: {failure.message}", True)
            ]
        texts |= {loss.text: None for loss in losses if loss.text}
        if not (weighty or command.is_named) and any(loss.weighs for loss in losses):
            weighty = command.args
    if len(asked) > COMMANDS_MAX:
        texts[f"and what {len(asked) - COMMANDS_MAX} more git commands would lose"] = None
        weighty = weighty or asked[-1].args
    return Losses("\n".join(texts), weighty)


async def _loss(doubt: Doubt, git: Git) -> _Loss:
    if not doubt.is_sure:
        inside = await git.answer(("rev-parse", "--git-dir")) is not None
        return _Loss(f"{doubt.what}: which can't be told before it runs" if inside else "", inside)
    if doubt.worktree:
        return await _loss_elsewhere(doubt, git)
    rows = doubt.rows(await git.answer(doubt.args) or b"")
    apart = doubt.rows(await git.answer(doubt.apart) or b"") if rows and doubt.apart else []
    return _Loss(doubt.told(rows), doubt.weighs and not set(rows) <= set(apart))


async def _loss_elsewhere(doubt: Doubt, git: Git) -> _Loss:
    """In another working tree of this repository, which may lie outside the project."""
    listed = await git.answer(("worktree", "list", "--porcelain", "-z")) or b""
    for line in listed.split(b"\0"):
        kind, _, path = line.partition(b" ")
        if kind != b"worktree" or not _is_meant(os.fsencode(doubt.worktree), path, git.folder):
            continue
        with suppress(OSError), _opened(path) as tree:
            there = await msgspec.structs.replace(git, folder=tree).configured()
            rows = doubt.rows(await there.answer(doubt.args) or b"")
            return _Loss(doubt.told(rows), weighs=bool(rows))
    return _Loss("", weighs=False)


def _is_meant(given: bytes, path: bytes, folder: int) -> bool:
    """Whether `given` leads to the working tree `path`, or is how its path ends: as git has it."""
    with suppress(OSError):
        if os.path.samestat(os.stat(given, dir_fd=folder), os.stat(path)):
            return True
    return path.endswith(b"/" + given.strip(b"/"))


@contextmanager
def _opened(path: bytes) -> Generator[int]:
    handle = os.open(path, FOLDER_FLAGS)
    try:
        yield handle
    finally:
        os.close(handle)


def _shown(command: GitCommand) -> str:
    return f"git {' '.join(command.args)}"
