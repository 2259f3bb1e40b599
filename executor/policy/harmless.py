"""Which simple commands surely only look: a list of programs, each with the options it may have.

An allow-list down to the option: a program or an option that is not here is not proven harmless,
and every word that could be a path must stay within the project.
"""

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

import msgspec

from executor.policy.command_line import Simple
from executor.policy.finding import find_strays
from executor.policy.git_commands import git_effect
from executor.policy.git_looks import git_strays
from executor.policy.ground import IsRead, Kind
from executor.policy.programs import BUILT_IN, PROGRAMS, VERSIONS, Looking
from executor.policy.standpoint import Standpoint

_LINES = re.compile(r"\d+(,(\+?\d+|\$))?p")
"""What sed may be given with -n: lines by their numbers."""


def not_harmless(command: Simple, at: Standpoint, *, by_shell: bool = True) -> str | None:
    """Why this simple command is not proven to only look, or None when it is.

    A git command can run programs that the repository names, so it needs a trusted directory.
    `by_shell`: a shell runs it, which has some programs built in; else another program does.
    """
    if command.repeated and command.words[0] == "cd":
        return "it changes folders in a loop"
    words = at.expanded(command.words, command.globs) if command.globs else command.words
    if words is None:
        return "the shell expands file names (*)"
    return _judged(words, at, by_shell=by_shell)


def _judged(words: tuple[str, ...], at: Standpoint, *, by_shell: bool) -> str | None:
    program, rest = words[0], words[1:]
    why = _by_program(program, rest, at)
    is_file = not (by_shell and program in BUILT_IN)
    if why is None and is_file and at.ground.is_planted(program):
        return f"{program} is a file of this project"
    return why


def _by_program(program: str, rest: Sequence[str], at: Standpoint) -> str | None:
    match program:
        case "git":
            return _git(rest, at)
        case "cd":
            return _cd(rest, at)
        case "find":
            return find_strays(rest, at, lambda words: _judged(words, at, by_shell=False))
        case "sed":
            return _sed(rest, at)
        case "command" if len(rest) > 1 and rest[0] in ("-v", "-V"):
            return None
        case _ if program in VERSIONS and tuple(rest) == ("--version",):
            return None
        case _:
            return _looks(program, rest, at)


def _looks(program: str, rest: Sequence[str], at: Standpoint) -> str | None:
    looking = PROGRAMS.get(program)
    if looking is None:
        return f"{program or 'an empty word'} is not known to only look"
    paths = _paths(program, looking, rest)
    if isinstance(paths, _Unknown):
        return paths.why
    outside = next((word for word in paths if not at.inside(word)), None)
    if outside is not None:
        return f"{outside} is outside the project, or secret"
    return _searched(program, rest, paths, at) if program in _SEARCHES else None


class _Unknown(msgspec.Struct, frozen=True):
    why: str


def _paths(program: str, looking: Looking, rest: Sequence[str]) -> list[str] | _Unknown:
    """The words that are paths, where every option is known."""
    free = 0 if program == "rg" and "--files" in rest else looking.free_words
    paths: list[str] = []
    takes_value = False
    options = True
    for word in rest:
        if takes_value:
            takes_value = False
        elif options and word == "--":
            options = False
        elif options and word.startswith("-") and len(word) > 1:
            kind = _option(looking, word)
            if kind is None:
                return _Unknown(f"{program} {word.partition('=')[0]} is not known to only look")
            takes_value = kind == "valued"
        elif free > 0:
            free -= 1
        elif len(paths) == looking.paths:
            return _Unknown(f"{program} {word} is not known to only look")
        else:
            paths.append(word)
    return paths


def _option(looking: Looking, word: str) -> str | None:
    """`flag`, `valued` (the next word is its value), or None for one that is not known."""
    if word in looking.flags:
        return "flag"
    if word in looking.valued:
        return "valued"
    name, separator, _ = word.partition("=")
    if separator and name in looking.valued:
        return "flag"
    if word.startswith("--"):
        return None
    if word[:2] in looking.valued and word[2:]:
        return "flag"
    if word[1:].isdigit() and "-n" in looking.valued:
        return "flag"
    letters = [f"-{letter}" for letter in word[1:]]
    if all(letter in looking.flags for letter in letters[:-1]):
        if letters[-1] in looking.flags:
            return "flag"
        if letters[-1] in looking.valued:
            return "valued"
    return None


_SEARCHES = frozenset({"grep", "egrep", "fgrep", "rg"})


def _searched(
    program: str, rest: Sequence[str], paths: Sequence[str], at: Standpoint
) -> str | None:
    """Whatever a search goes through is shown: no secret may lie there."""
    if program == "rg":
        is_read = _all if "--hidden" in rest else _hidden_apart
        goes_down = "--files" not in rest
    else:
        is_read = _included(rest)
        goes_down = any(
            word == "--recursive" or (word.startswith("-") and word[1:2] != "-" and "r" in word)
            for word in rest
        )
    if goes_down and any(at.holds_secrets(path, is_read) for path in paths or ["."]):
        return f"{program} would go through files that hold secrets"
    return None


def _all(_name: str, _kind: Kind) -> bool:
    return True


def _hidden_apart(name: str, _kind: Kind) -> bool:
    return not name.startswith(".")


def _included(rest: Sequence[str]) -> IsRead:
    """By grep's --include=GLOB."""
    globs = [word.partition("=")[2] for word in rest if word.startswith("--include=")]

    def is_read(name: str, kind: Kind) -> bool:
        return kind == "folder" or not globs or any(fnmatchcase(name, glob) for glob in globs)

    return is_read


def _cd(rest: Sequence[str], at: Standpoint) -> str | None:
    # The shell takes '..' back by name, files are found through links: so no '..' here.
    plain = len(rest) == 1 and not rest[0].startswith("-") and ".." not in rest[0].split("/")
    if not plain or not at.inside(rest[0]):
        return "cd leads elsewhere"
    return None if at.entering(rest[0]) else "it changes folders too often"


def _sed(rest: Sequence[str], at: Standpoint) -> str | None:
    """`sed -n 10,20p FILE...` and nothing else: its language writes files and runs commands."""
    if len(rest) < 2 or rest[0] != "-n" or not _LINES.fullmatch(rest[1]):
        return "sed is not known to only look"
    outside = [word for word in rest[2:] if word.startswith("-") or not at.inside(word)]
    return f"{outside[0]} is outside the project, or secret" if outside else None


def _git(rest: Sequence[str], at: Standpoint) -> str | None:
    if not at.trusted:
        return "git may run what this repository's configuration names, and it is not trusted"
    if git_effect(rest) != "read":
        return f"git {rest[0] if rest else ''} is not known to only look".replace("  ", " ")
    return git_strays(rest, at)
