"""The facts of one call: its paths, its commands, and why it is not proven to only look.

Says nothing of what follows from them; `decide` does.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from executor.policy.call import PlannedCall
from executor.policy.command_line import NotPlain, PlainCommands, take_apart
from executor.policy.git_commands import git_effect
from executor.policy.ground import Ground
from executor.policy.harmless import git_strays, not_harmless
from executor.policy.rules import PATH_TOOLS
from executor.policy.standpoint import Standpoint
from executor.workspace import ResolvedPath
from executor.workspace.resolved import shown

Words = tuple[str, ...]


class Facts(msgspec.Struct, frozen=True):
    unclear: str | None
    """Why the call is not proven to only look; None when it is."""
    paths: tuple[tuple[str, ...], ...] = ()
    """Literal and real components of each path: a rule that denies either denies."""
    commands: tuple[Words, ...] = ()
    """Of Shell and Git, every simple command; none where `exact` is False."""
    unproven: tuple[Words, ...] = ()
    """Those of them that are not proven to only look."""
    exact: bool = True

    @property
    def shown(self) -> tuple[str, ...]:
        return tuple(shown(parts) for parts in self.paths)


def facts_of(
    call: PlannedCall, ground: Ground, off_limits: Callable[[ResolvedPath], bool], *, trusted: bool
) -> Facts:
    """Raises OutsideWorkspace for a path that leads out of the project."""
    parameters: Any = call.parameters
    reads = call.effect == "read"
    at = Standpoint(ground, trusted, off_limits)
    if call.custom:
        return Facts(None if reads else f"{call.tool_name} may do anything")
    match call.tool_name:
        case name if name in PATH_TOOLS:
            path = getattr(parameters, "file_path", None) or getattr(parameters, "dir_path", None)
            found = ground.resolve(path or getattr(parameters, "path", "."))
            return Facts(None if reads else "it changes a file", (found.literal, found.real))
        case "Shell":
            return _shell(parameters.command, parameters.workdir, at)
        case "ShellKill":
            return Facts(None)  # it ends nothing but what this session has started
        case "Git":
            return _git(tuple(parameters.args), at)
        case _:
            return Facts(None if reads else "it is not known to only look")


def _git(arguments: Words, at: Standpoint) -> Facts:
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
    return Facts(unclear, commands=(arguments,), unproven=(arguments,) if unclear else ())


def _shell(command: str, workdir: str | None, at: Standpoint) -> Facts:
    if workdir is not None:
        at = Standpoint(
            at.ground, at.trusted, at.off_limits, ("/".join(at.ground.resolve(workdir).real),)
        )
    match take_apart(command):
        case NotPlain(why=why):
            return Facts(why, exact=False)
        case PlainCommands(commands=commands):
            reasons = _reasons(commands, at)
            return Facts(
                next((why for why in reasons if why is not None), None),
                commands=commands,
                unproven=tuple(
                    words for words, why in zip(commands, reasons, strict=True) if why is not None
                ),
            )


def _reasons(commands: tuple[Words, ...], at: Standpoint) -> list[str | None]:
    """Why each command is not proven to only look. Behind a `cd` that leads elsewhere, none is."""
    reasons: list[str | None] = []
    for words in commands:
        why = not_harmless(words, at)
        reasons.append(why)
        if words[0] == "cd":
            entered = at.entering(words[1]) if why is None else None
            if entered is None:
                rest = len(commands) - len(reasons)
                return [*reasons, *["it runs in another folder"] * rest]
            at = entered
    return reasons
