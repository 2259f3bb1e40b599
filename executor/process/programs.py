"""Find the programs that the executor itself runs: the shell, git, ripgrep.

Never one that the project could have put there.
"""

import os
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


def shell_argv(command: str) -> tuple[str, ...]:
    """The command line `command` without anybody's start-up files."""
    path = shell()
    quiet = ("--noprofile", "--norc") if path.endswith("bash") else ()
    return (path, *quiet, "-c", command)
