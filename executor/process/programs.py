"""Find the programs that the executor itself runs: the shell, git, ripgrep.

Never one that the project could have put there.
"""

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from executor.process.environment import absolute_entries

_SHELLS = ("/bin/bash", "/usr/bin/bash", "/bin/sh")


def find_program(name: str, environment: Mapping[str, str], project: Path) -> str | None:
    """The absolute path of `name` by PATH, links followed; None if it is only in `project`."""
    for folder in absolute_entries(environment.get("PATH", "")).split(":"):
        found = shutil.which(name, path=folder)
        if found is not None:
            real = Path(os.path.realpath(found))
            if not real.is_relative_to(project) and not Path(found).is_relative_to(project):
                return found
    return None


def shell() -> str:
    """The shell that runs command lines: bash where there is one, else sh."""
    return next((path for path in _SHELLS if os.access(path, os.X_OK)), _SHELLS[-1])


def shell_argv(command: str, *, tells_place: bool = False) -> tuple[str, ...]:
    """The command line `command` without anybody's start-up files.

    With `tells_place` the shell writes the folder that it ends in to its handle 3.
    """
    path = shell()
    if not path.endswith("bash"):
        return (path, "-c", _TELLING, path, command) if tells_place else (path, "-c", command)
    quiet = (path, "--noprofile", "--norc", "-c")
    return (*quiet, _BASH_TELLING, path, command) if tells_place else (*quiet, command)


def may_move(command: str) -> bool:
    """Whether the shell of `command` may end in another folder than it began in."""
    return _MOVES.search(command) is not None


_MOVES = re.compile(r"\b(?:cd|pushd|popd|source|eval)\b|(?:^|[;&|\s])\.\s")
_TELLING = """trap 'pwd -P >&3' EXIT; eval "shift; $1\""""
_BASH_TELLING = """trap 'pwd -P 2>/dev/null >&3' EXIT; { eval "shift; $1"; } 3>&-"""
"""A group whose handle 3 is closed, so that no child gets it; bash opens it again when it exits.
What the command sets as its own EXIT trap comes instead, and tells nothing."""
