"""What a decision may ask of the machine: where paths lead, what lies beneath a folder.

Looks at names only; opens no file but git's own and those that say what it ignores.
"""

import os
import re
import shutil
from collections.abc import Callable
from fnmatch import fnmatchcase, translate
from functools import cache
from pathlib import Path
from typing import Protocol

from executor.errors import OutsideWorkspace
from executor.policy.objects import may_hold_file
from executor.policy.off_limits import OffLimits
from executor.policy.tracked import index_of, tracked_names
from executor.policy.unhidden import Kind, Unhidden
from executor.workspace import ResolvedPath, Workspace
from executor.workspace.secret_names import SECRET_FOLDERS, SECRET_NAMES, is_secret

MAX_NAMES = 3000
"""Names that one decision looks at, some 5 ms; a larger folder may hold anything."""

IsRead = Callable[[str, Kind], bool]
"""Whether a program reads a file of this name, or enters a folder of it."""


class Ground(Protocol):
    def resolve(self, path: str) -> ResolvedPath:
        """Where `path` leads; raises OutsideWorkspace."""
        ...

    def names(self, folder: str, pattern: str) -> tuple[str, ...] | None:
        """What the shell puts in the place of `pattern` in `folder`; None: too many to tell."""
        ...

    def holds_secrets(
        self, path: str, is_read: IsRead, off_limits: OffLimits, *, shuns_hidden: bool = False
    ) -> bool:
        """Whether a secret that is read lies beneath `path`; True where that can't be told.

        `shuns_hidden`: the program reads a hidden file too where a `!` line of an ignore file
        means it, whatever `is_read` says."""
        ...

    def tracks_secrets(self, off_limits: OffLimits, /) -> bool:
        """Whether git knows such a file; True where that can't be told."""
        ...

    def may_hold_file(self, hexadecimal: str) -> bool:
        """Whether git may know what a file held by a hash that begins so."""
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
        self._tracked: tuple[object, bool] | None = None

    def for_one_decision(self) -> "_OneLook":
        """The same, as seen by one decision: it asks for nothing twice, and within bounds."""
        return _OneLook(self._workspace, self._path, self.tracks_secrets)

    def tracks_secrets(self, off_limits: OffLimits) -> bool:
        """Read again only when the index has changed."""
        index = index_of(self._workspace.root)
        if index is None:
            return True
        try:
            found = index.stat()
            state = (index, found.st_mtime_ns, found.st_size, found.st_ino, off_limits)
        except OSError:
            state = (index, off_limits)
        if self._tracked is None or self._tracked[0] != state:
            names = tracked_names(index)
            holds = names is None or any(_is_off(name, off_limits) for name in names)
            self._tracked = (state, holds)
        return self._tracked[1]


class _OneLook:
    def __init__(
        self, workspace: Workspace, path: str, tracks_secrets: Callable[[OffLimits], bool]
    ) -> None:
        self._workspace = workspace
        self._path = path
        self._left = MAX_NAMES
        self._resolved: dict[str, ResolvedPath | OutsideWorkspace] = {}
        self._planted: dict[str, bool] = {}
        self.tracks_secrets = tracks_secrets

    def resolve(self, path: str) -> ResolvedPath:
        if path not in self._resolved:
            try:
                self._resolved[path] = self._workspace.resolve(path)
            except OutsideWorkspace as error:
                self._resolved[path] = error
        found = self._resolved[path]
        if isinstance(found, OutsideWorkspace):
            raise found
        return found

    def names(self, folder: str, pattern: str) -> tuple[str, ...] | None:
        found: list[str] = []
        for entry in self._listed(self._where(folder)):
            if entry is None or ("?" in pattern and not entry.name.isascii()):
                return None
            hidden = entry.name.startswith(".") and not pattern.startswith(".")
            if not hidden and fnmatchcase(entry.name, pattern):
                found.append(entry.name)
        return tuple(sorted(found))

    def holds_secrets(
        self, path: str, is_read: IsRead, off_limits: OffLimits, *, shuns_hidden: bool = False
    ) -> bool:
        start = self.resolve(path).real
        shown = Unhidden()
        if shuns_hidden:
            for length in range(len(start)):
                shown.learn(self._workspace.root, start[:length])
        waiting = [start]
        while waiting:
            parts = waiting.pop()
            if shuns_hidden:
                shown.learn(self._workspace.root, parts)
            for entry in self._listed(os.path.join(self._workspace.root, *parts)):
                if entry is None:
                    return True
                kind: Kind = "folder" if entry.is_dir(follow_symlinks=False) else "file"
                is_meant = is_read(entry.name, kind) or shown.means(entry.name, kind)
                if entry.name == ".git" or not is_meant:
                    continue
                if _is_secret_name(entry.name) or off_limits.named.covers((*parts, entry.name)):
                    return True
                if kind == "folder":
                    waiting.append((*parts, entry.name))
        return False

    def may_hold_file(self, hexadecimal: str) -> bool:
        return may_hold_file(self._workspace.root, hexadecimal)

    def is_planted(self, program: str) -> bool:
        if program not in self._planted:
            self._planted[program] = self._lies_within(shutil.which(program, path=self._path))
        return self._planted[program]

    def _lies_within(self, found: str | None) -> bool:
        root = self._workspace.root
        return found is not None and (
            Path(found).is_relative_to(root) or Path(os.path.realpath(found)).is_relative_to(root)
        )

    def _where(self, folder: str) -> str:
        return os.path.join(self._workspace.root, *self.resolve(folder).real)

    def _listed(self, folder: str) -> "list[os.DirEntry[str] | None]":
        """What lies in `folder`; a None at the end: more than may still be looked at."""
        found: list[os.DirEntry[str] | None] = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    self._left -= 1
                    if self._left < 0:
                        return [*found, None]
                    found.append(entry)
        except OSError:
            return []  # no folder, or one that can't be read: neither can the program
        return found


@cache
def _maybe_secret() -> re.Pattern[str]:
    """Compiled when a folder is first looked through: most sessions never do."""
    return re.compile("|".join(map(translate, SECRET_NAMES)), re.IGNORECASE)


def _is_secret_name(name: str) -> bool:
    if not name.isascii():
        return is_secret((name,))
    if name.lower() in SECRET_FOLDERS:
        return True
    return _maybe_secret().match(name) is not None and is_secret((name,))


def _is_off(path: str, off_limits: OffLimits) -> bool:
    parts = path.split("/")
    return any(map(_is_secret_name, parts)) or off_limits.named.covers(parts)
