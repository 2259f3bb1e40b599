"""How the clipboard is reached from here: by which program, by the terminal, or not at all.

Pure: the environment and the programs that there are come from outside.
"""

from collections.abc import Callable, Mapping
from typing import Literal

import msgspec

Argv = tuple[str, ...]
Program = Callable[[str], str | None]
"""The absolute path of a program, or None."""


class ByProgram(msgspec.Struct, frozen=True):
    argv: Argv


class ByTerminal(msgspec.Struct, frozen=True):
    """OSC 52: the terminal is told to take a text; it is never asked for one."""

    through: Literal["terminal", "tmux"]


class NoWay(msgspec.Struct, frozen=True):
    why: str


Way = ByProgram | ByTerminal | NoWay

_DARWIN = ((("pbpaste",), ("pbcopy",)),)
_WAYLAND = ((("wl-paste", "--no-newline"), ("wl-copy",)),)
_X11 = (
    (("xclip", "-selection", "clipboard", "-out"), ("xclip", "-selection", "clipboard", "-in")),
    (("xsel", "--clipboard", "--output"), ("xsel", "--clipboard", "--input")),
)


def way_to_read(environment: Mapping[str, str], system: str, program: Program) -> Way:
    """Never by the terminal: what it answers could be anybody's, and most do not."""
    found = _program(environment, system, program, reads=True)
    return found or NoWay(_missing(environment, system, "read"))


def way_to_write(
    environment: Mapping[str, str], system: str, program: Program, *, terminal: bool
) -> Way:
    """`terminal`: there is one that OSC 52 can be written to."""
    found = _program(environment, system, program, reads=False)
    if found is not None:
        return found
    in_tmux = bool(environment.get("TMUX"))
    if terminal and (in_tmux or _over_ssh(environment)):
        return ByTerminal("tmux" if in_tmux else "terminal")
    return NoWay(_missing(environment, system, "write"))


def _over_ssh(environment: Mapping[str, str]) -> bool:
    return bool(environment.get("SSH_CONNECTION") or environment.get("SSH_TTY"))


def _program(
    environment: Mapping[str, str], system: str, program: Program, *, reads: bool
) -> ByProgram | None:
    for pair in _candidates(environment, system):
        name, *arguments = pair[0 if reads else 1]
        path = program(name)
        if path is not None:
            return ByProgram((path, *arguments))
    return None


def _candidates(environment: Mapping[str, str], system: str) -> tuple[tuple[Argv, Argv], ...]:
    if system == "darwin":
        # Over SSH these would be those of a machine that nobody sits at.
        return () if _over_ssh(environment) else _DARWIN
    wayland = _WAYLAND if environment.get("WAYLAND_DISPLAY") else ()
    return (*wayland, *(_X11 if environment.get("DISPLAY") else ()))


def _missing(environment: Mapping[str, str], system: str, deed: str) -> str:
    if system == "darwin" and not _over_ssh(environment):
        return "pbcopy and pbpaste are not to be found"
    if environment.get("WAYLAND_DISPLAY"):
        return "wl-clipboard is not installed (wl-copy, wl-paste)"
    if environment.get("DISPLAY"):
        return "neither xclip nor xsel is installed"
    if deed == "read" and (_over_ssh(environment) or environment.get("TMUX")):
        return "it is that of another machine, and a terminal is only ever written to"
    return "there is no desktop here (DISPLAY and WAYLAND_DISPLAY are not set), no SSH and no tmux"
