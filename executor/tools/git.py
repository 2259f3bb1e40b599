"""`Git`: one git command as an argument list, and nothing of the repository's run by it.

Which commands may run is decided before; how git is kept from running more is in `process.git`.
Git itself is not confined (it writes what commands may not, and needs its user's keys), unless its
arguments make it run something else.
"""

import os
from pathlib import Path

from executor.errors import ToolFailure
from executor.process.command import Command
from executor.process.git import ENVIRONMENT, runs_programs
from executor.process.git_runs import Git, git_in
from executor.process.git_status import diff_summary, status_of, told
from executor.process.report import Report, report
from executor.tool_context import ToolContext, ToolOutcome
from executor.workspace.waiting import in_thread
from protocol.from_executor import ResultMetadata
from protocol.tools import git
from protocol.tools.contract import ToolContract

SECONDS = 120.0
_UNDER_WAY = {
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase or an am",
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "BISECT_LOG": "a bisection",
}
_STATUS = ("status", "--porcelain=v2", "--branch", "-z")
_SUBMODULES = "of submodules only other commits are shown, not what is changed inside them"
_DIFFS = frozenset({"--cached", "--staged", "-w", "--ignore-all-space", "--merge-base"})
"""Options of diff that choose what is compared, not how it is written."""


class GitTool:
    """Asks git what the repository configures, then runs the command without it."""

    contract: ToolContract = git.CONTRACT

    async def run(self, parameters: git.Git, context: ToolContext) -> ToolOutcome:
        if any("\0" in arg for arg in parameters.args):
            raise ToolFailure("invalid_parameters", "An argument holds a NUL character.")
        async with git_in(context.processes, context.workspace, context.tool_id) as repository:
            match parameters.args:
                case ("status", *rest) if _only_paths(rest):
                    return await _status(repository, tuple(rest), context)
                case ("diff", *rest) if _only_paths(rest, _DIFFS):
                    summary = await repository.answer(("diff", "--numstat", "-z", *rest))
                    done = await _carried_out(repository, parameters.args, context)
                    return _outcome(done, before=diff_summary(summary or b""))
                case ("commit", *rest):
                    args = ("commit", *_trailer(rest, context.commit_trailer), *rest)
                    done = await _carried_out(repository, args, context)
                    return _outcome(done, after=await _hooks_left_out(repository, context))
                case args:
                    return _outcome(await _carried_out(repository, args, context))


async def _carried_out(repository: Git, args: tuple[str, ...], context: ToolContext) -> Report:
    command = Command(
        argv=repository.argv(args),
        folder=repository.folder,
        call=context.tool_id,
        timeout_s=SECONDS,
        environment=ENVIRONMENT,
        spill=context.spill,
        confined=runs_programs(args),
    )
    ended = await context.processes.run(command, context.emit)
    kept = context.shells.keep(ended).shell_id if ended.output.truncated else ""
    # A rebase tells its progress over and over in one line, also where there is no terminal.
    return report(ended, shell_id=kept, terminal=args[:1] == ("rebase",))


def _outcome(done: Report, before: str = "", after: str = "") -> ToolOutcome:
    text = "\n\n".join(filter(None, (before, done.text)))
    text = "\n".join(filter(None, (text, after)))
    return ToolOutcome(text, done.status, done.error, metadata=done.metadata)


def _only_paths(rest: list[str], harmless: frozenset[str] = frozenset()) -> bool:
    """Whether no option asks for a form of its own."""
    options = rest[: rest.index("--")] if "--" in rest else rest
    return all(not arg.startswith("-") or arg in harmless for arg in options)


async def _status(repository: Git, rest: tuple[str, ...], context: ToolContext) -> ToolOutcome:
    """What git says of itself, taken apart and put into few words."""
    answer = await repository.answer((*_STATUS, *rest))
    if answer is None:  # git's own words say why
        return _outcome(await _carried_out(repository, ("status", *rest), context))
    names = [part for name in _UNDER_WAY for part in ("--git-path", name)]
    paths = (await repository.answer(("rev-parse", *names)) or b"").splitlines()
    root = context.workspace.root
    paths.append(b".gitmodules")
    there = await in_thread(lambda: [os.path.lexists(root / os.fsdecode(path)) for path in paths])
    under_way = [
        words for words, is_there in zip(_UNDER_WAY.values(), there, strict=False) if is_there
    ]
    text = told(status_of(answer), under_way[0] if under_way else "")
    if there[-1]:
        text += f"\n{_SUBMODULES}"
    return ToolOutcome(f"{text}\n[exit code 0]", metadata=ResultMetadata(exit_code=0))


def _trailer(rest: list[str], trailer: str) -> tuple[str, ...]:
    """The configured trailer, unless the model has given it or nothing is committed."""
    if not trailer or "--dry-run" in rest or any(trailer in arg for arg in rest):
        return ()
    return ("--trailer", trailer)


async def _hooks_left_out(repository: Git, context: ToolContext) -> str:
    """Which hooks of the repository a commit would have run without the hardening."""
    folder = await repository.answer(("rev-parse", "--git-common-dir"))
    if folder is None:
        return ""
    hooks = context.workspace.root / os.fsdecode(folder.rstrip(b"\n")) / "hooks"
    names = await in_thread(lambda: _executable(hooks))
    return f"[hooks of the repository were not run: {', '.join(names)}]" if names else ""


def _executable(hooks: Path) -> list[str]:
    candidates = ("pre-commit", "prepare-commit-msg", "commit-msg", "post-commit")
    return [name for name in candidates if os.access(hooks / name, os.X_OK)]
