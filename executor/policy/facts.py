"""The facts of one call: its paths, hosts, commands, and why it is not proven to only look.

Says nothing of what follows from them; `decide` does.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from executor.errors import ToolFailure
from executor.network.hosts import BadHost, host_of
from executor.patch.parse import parsed
from executor.patch.sections import paths_of
from executor.policy.call import PlannedCall
from executor.policy.command_line import NotPlain, Simple
from executor.policy.documents import without_documents
from executor.policy.git_commands import git_effect
from executor.policy.git_looks import git_strays, secret_shown
from executor.policy.ground import Ground
from executor.policy.off_limits import OffLimits
from executor.policy.readings import MAX_ROUGH, UNQUOTED, behind_git, rough_commands
from executor.policy.rules import HOST_TOOLS, PATH_TOOLS
from executor.policy.shell_facts import Judged, judged_line
from executor.policy.standpoint import Standpoint
from executor.workspace.resolved import shown
from executor.workspace.secret_names import may_name_secret


class Facts(msgspec.Struct, frozen=True):
    unclear: str | None
    """Why the call is not proven to only look; None when it is."""
    paths: tuple[tuple[str, ...], ...] = ()
    """Literal and real components of each path: a rule that denies either denies."""
    hosts: tuple[str, ...] = ()
    """Normal names of the machines that it reaches."""
    impossible: str = ""
    """Why it can't be what it says, whatever rules allow."""
    judged: tuple[Judged, ...] = ()
    """Of Shell and Git, every simple command; none where the line can't be taken apart."""
    line: str = ""
    """The command line, where any part of it could not be taken apart with certainty."""
    secret: str = ""
    """By which word a git command names a secret file that it would print."""
    personal: bool = False
    """It tells the model what is the user's own: asked in every mode."""

    @property
    def shown(self) -> tuple[str, ...]:
        return tuple(shown(parts) for parts in self.paths)

    @property
    def exact(self) -> bool:
        return not self.line

    @property
    def unproven(self) -> tuple[Judged, ...]:
        """The innermost commands that are not proven to only look."""
        return tuple(one for judged in self.judged for one in judged.unproven)


def facts_of(call: PlannedCall, ground: Ground, off_limits: OffLimits, *, trusted: bool) -> Facts:
    """Raises OutsideWorkspace for a path that leads out of the project."""
    parameters: Any = call.parameters
    reads = call.effect == "read"
    at = Standpoint(ground, trusted, off_limits)
    if call.custom:
        return Facts(None if reads else f"{call.tool_name} may do anything")
    match call.tool_name:
        case "ApplyPatch":
            return _patch(parameters.patch, ground)
        case name if name in PATH_TOOLS:
            path = getattr(parameters, "file_path", None) or getattr(parameters, "dir_path", None)
            found = ground.resolve(path or getattr(parameters, "path", "."))
            return Facts(None if reads else "it changes a file", (found.literal, found.real))
        case name if name in HOST_TOOLS:
            return _fetch(parameters.url)
        case "Shell":
            return _shell(parameters.command, parameters.workdir, at)
        case "ShellKill":
            return Facts(None)  # it ends nothing but what this session has started
        case "Git":
            return _git(tuple(parameters.args), at)
        case "Clipboard":
            if parameters.action == "read":
                return Facts("it tells the model what your clipboard holds", personal=True)
            return Facts("it replaces what your clipboard holds")
        case _:
            return Facts(None if reads else "it is not known to only look")


def _fetch(url: str) -> Facts:
    """Even what only reads tells the other machine what was asked for."""
    try:
        host = host_of(url)
    except BadHost as error:
        return Facts(f"{error}", impossible=f"{error}")
    return Facts(f"it reaches {host}", hosts=(host,))


def _patch(patch: str, ground: Ground) -> Facts:
    """Every path, move targets too. What can't be read is never applied: it has no paths."""
    try:
        sections = parsed(patch)
    except ToolFailure:
        return Facts("it is no patch that can be read")
    found = [ground.resolve(path) for path in paths_of(sections)]
    return Facts(
        "it changes files", tuple(parts for one in found for parts in (one.literal, one.real))
    )


def _git(arguments: tuple[str, ...], at: Standpoint) -> Facts:
    words = {
        "write": "changes the repository",
        "network": "reaches another machine",
        "destructive": "can discard work",
    }
    effect = git_effect(arguments)
    if effect == "read":
        unclear = git_strays(arguments, at)
    else:
        unclear = f"git {arguments[0] if arguments else ''} {words[effect]}"
    secret = secret_shown(arguments, at) or ""
    return Facts(unclear, judged=(Judged(Simple(arguments), unclear),), secret=secret)


def _shell(command: str, workdir: str | None, at: Standpoint) -> Facts:
    if workdir is not None:
        folder = "/".join(at.ground.resolve(workdir).real)
        at = msgspec.structs.replace(at, bases=(folder,))
    judged = judged_line(command, at)
    if isinstance(judged, NotPlain):
        return Facts(judged.why, line=command, secret=_secret_shown((), command, at))
    line = "" if all(one.exact for one in judged) else command
    return Facts(
        next((one.why for one in judged if one.why is not None), None),
        judged=judged,
        secret=_secret_shown(judged, line, at),
        line=line,
    )


def _secret_shown(judged: Iterable[Judged], line: str, at: Standpoint) -> str:
    """By which word a git command in there names a secret file that it would print.

    `line` is read roughly: where it could not be taken apart, what it may run counts."""
    words = [one.command.words for each in judged for one in each.all]
    bare = line[:MAX_ROUGH].translate(UNQUOTED)
    if "git" in bare and may_name_secret(bare):
        words += rough_commands(without_documents(line))
    named = (secret_shown(arguments, at) for some in words for arguments in behind_git(some))
    return next(filter(None, named), "")
