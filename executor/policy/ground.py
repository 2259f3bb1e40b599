"""What a decision may ask of the machine: where paths lead, and what lies beneath a folder.

Looks at names only; opens no file and decides nothing.
"""

import os
import re
import shutil
from collections.abc import Callable
from fnmatch import translate
from pathlib import Path
from typing import Literal, Protocol

from executor.workspace import ResolvedPath, Workspace
from executor.workspace.secret_names import SECRET_FOLDERS, SECRET_NAMES, is_secret

MAX_NAMES = 3000
"""Names that one question looks at, some 5 ms; a larger folder may hold anything."""

_MAYBE_SECRET = re.compile("|".join(map(translate, SECRET_NAMES)), re.IGNORECASE)

Kind = Literal["file", "folder"]
IsRead = Callable[[str, Kind], bool]
"""Whether a program reads a file of this name, or enters a folder of it."""


class Ground(Protocol):
    def resolve(self, path: str) -> ResolvedPath:
        """Where `path` leads; raises OutsideWorkspace."""
        ...

    def holds_secrets(self, path: str, is_read: IsRead) -> bool:
        """Whether a secret that is read lies beneath `path`; True where that can't be told."""
        ...

    def is_planted(self, program: str) -> bool:
        """Whether PATH finds `program` within the project, where anybody may have put it."""
        ...


class ProjectGround:
    """The facts of one project's folder."""

    def __init__(self, workspace: Workspace, path: str) -> None:
        """`path` is the PATH that commands are run with."""
        self._workspace = workspace
        self._path = path

    def resolve(self, path: str) -> ResolvedPath:
        return self._workspace.resolve(path)

    def holds_secrets(self, path: str, is_read: IsRead) -> bool:
        waiting = [os.path.join(self._workspace.root, *self.resolve(path).real)]
        left = MAX_NAMES
        while waiting:
            folder = waiting.pop()
            try:
                with os.scandir(folder) as entries:
                    for entry in entries:
                        left -= 1
                        if left < 0:
                            return True
                        kind: Kind = "folder" if entry.is_dir(follow_symlinks=False) else "file"
                        if entry.name == ".git" or not is_read(entry.name, kind):
                            continue
                        if _is_secret_name(entry.name):
                            return True
                        if kind == "folder":
                            waiting.append(entry.path)
            except OSError:
                continue  # no folder, or one that can't be read: neither can the program
        return False

    def is_planted(self, program: str) -> bool:
        found = shutil.which(program, path=self._path)
        if found is None:
            return False
        root = self._workspace.root
        return Path(found).is_relative_to(root) or Path(os.path.realpath(found)).is_relative_to(
            root
        )


def _is_secret_name(name: str) -> bool:
    if name.lower() in SECRET_FOLDERS:
        return True
    return _MAYBE_SECRET.match(name) is not None and is_secret((name,))
