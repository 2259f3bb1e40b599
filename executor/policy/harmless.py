"""Which simple commands surely only look: a list of programs, each with the options it may have.

An allow-list down to the option: a program or an option that is not here is not proven harmless,
and every word that could be a path must stay within the project.
"""

import re
from collections.abc import Sequence

from executor.policy.command_line import Simple
from executor.policy.finding import find_strays
from executor.policy.git_commands import git_effect
from executor.policy.git_looks import git_strays
from executor.policy.options import given
from executor.policy.programs import BUILT_IN, CHOOSING, PROGRAMS, SHORT_VERSIONS, VERSIONS
from executor.policy.searching import SEARCHES, search_strays
from executor.policy.standpoint import Standpoint

_ECHO_ESCAPES = re.compile(r"-[nE]*e[neE]*")
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
        case "echo" if not any(map(_ECHO_ESCAPES.fullmatch, rest)):
            return None
        case "date":
            return _looks(program, [word for word in rest if not word.startswith("+")], at)
        case _ if program in VERSIONS and list(rest) in (["--version"], [SHORT_VERSIONS[program]]):
            return _version(program, at)
        case _:
            return _looks(program, rest, at)


def _looks(program: str, rest: Sequence[str], at: Standpoint) -> str | None:
    looking = PROGRAMS.get(program)
    if looking is None:
        return f"{program or 'an empty word'} is not known to only look"
    told = given(looking, rest)
    if told.unknown:
        return f"{program} {told.unknown.partition('=')[0]} is not known to only look"
    lists_files = program == "rg" and told.has("--files")
    paths = told.free if lists_files else told.free[looking.free_words :]
    if len(paths) > looking.paths:
        return f"{program} {paths[looking.paths]} is not known to only look"
    outside = next((word for word in paths if not at.inside(word)), None)
    if outside is not None:
        return f"{outside} is outside the project, or secret"
    if program == "diff" and any(map(at.may_be_folder, paths)):
        return "diff of folders shows files that are not named"
    return search_strays(program, told, paths, at) if program in SEARCHES else None


def _version(program: str, at: Standpoint) -> str | None:
    """What it is may be for the project to say: its files name versions, and programs by path."""
    choosing = VERSIONS[program]
    if choosing and not at.trusted:
        return f"this project may say what {program} is, and it is not trusted"
    if at.holds_one_of((*choosing, *CHOOSING)):
        return f"a file of this project says what {program} is"
    return None


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
    if at.in_another_repository():
        return "git may run what the configuration of another repository in here names"
    if git_effect(rest) != "read":
        return f"git {rest[0] if rest else ''} is not known to only look".replace("  ", " ")
    return git_strays(rest, at)
