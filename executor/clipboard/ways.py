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
    shown_by: Argv = ()
    """What tells whether a text has arrived, where the program goes to the background first and
    takes the clipboard then."""


Through = Literal["terminal", "tmux", "screen"]
"""What the terminal's bytes pass on their way to it."""


class ByTerminal(msgspec.Struct, frozen=True):
    """OSC 52: the terminal is told to take a text; it is never asked for one."""

    through: Through


class NoWay(msgspec.Struct, frozen=True):
    why: str


Way = ByProgram | ByTerminal | NoWay

_DARWIN = ((("pbpaste",), ("pbcopy",)),)
_WAYLAND = ((("wl-paste", "--no-newline"), ("wl-copy",)),)
_X11 = (
    (("xclip", "-selection", "clipboard", "-out"), ("xclip", "-selection", "clipboard", "-in")),
    (("xsel", "--clipboard", "--output"), ("xsel", "--clipboard", "--input")),
)

_NOTHING_THERE = ("target STRING not available", "No selection", "Nothing is copied")
"""xclip's and wl-paste's words; xclip has the same ones for what is no text."""


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
    through = _through(environment)
    if terminal and (through != "terminal" or _over_ssh(environment)):
        return ByTerminal(through)
    return NoWay(_missing(environment, system, "write"))


def says_nothing_is_there(message: str) -> bool:
    """Whether a program that was to read failed for this alone: there was no text for it."""
    return any(words in message for words in _NOTHING_THERE)


def _through(environment: Mapping[str, str]) -> Through:
    if environment.get("TMUX"):
        return "tmux"
    return "screen" if environment.get("STY") else "terminal"


def _over_ssh(environment: Mapping[str, str]) -> bool:
    return bool(environment.get("SSH_CONNECTION") or environment.get("SSH_TTY"))


def _program(
    environment: Mapping[str, str], system: str, program: Program, *, reads: bool
) -> ByProgram | None:
    for reading, writing in _candidates(environment, system):
        name, *arguments = reading if reads else writing
        path = program(name)
        if path is not None:
            late = not reads and (reading, writing) in _X11
            return ByProgram((path, *arguments), (path, *reading[1:]) if late else ())
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
    if deed == "read" and (_over_ssh(environment) or _through(environment) != "terminal"):
        return "it is that of another machine, and a terminal is only ever written to"
    return (
        "there is no desktop here (DISPLAY and WAYLAND_DISPLAY are not set), no SSH, tmux or screen"
    )
