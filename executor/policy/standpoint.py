"""Where a simple command of a shell line stands, and what its words may name from there.

Follows `cd` within one line; knows no program and no option.
"""

import re
from collections.abc import Sequence

import msgspec

from executor.errors import OutsideWorkspace
from executor.policy.ground import Ground, IsRead
from executor.policy.off_limits import OffLimits
from executor.workspace.secret_names import is_secret

MAX_BASES = 8
MAX_NAMES = 200
"""Names of files that the wildcards of one command may stand for."""


_CHOOSING = re.compile(r"--(?:include|exclude|exclude-dir|glob)=[^/]*$")
"""With wildcards for the program: what the shell might put in their place is the same option, and
means no more."""


class Standpoint(msgspec.Struct, frozen=True):
    ground: Ground
    trusted: bool
    off_limits: OffLimits
    """What a rule of the user's denies reading, or asks about."""
    bases: tuple[str, ...] = ("",)
    """Every folder that the command may run in: a `cd` before it may have failed."""

    def inside(self, word: str) -> bool:
        """Whether `word`, taken as a path, stays within the project and names no secret."""
        return all(self._may_read(path) for path in self._paths(word))

    def names_secret(self, word: str) -> bool:
        """Whether `word`, taken as a path, is a secret's name, be it there or not."""
        for path in self._paths(word):
            try:
                found = self.ground.resolve(path)
            except OutsideWorkspace:
                continue
            if is_secret(found.literal) or is_secret(found.real):
                return True
        return is_secret(tuple(word.split("/")))

    def is_file(self, word: str) -> bool:
        """Whether `word`, which is inside, is a file wherever it may be meant from."""
        return all(self.ground.resolve(path).kind == "file" for path in self._paths(word))

    def may_be_folder(self, word: str) -> bool:
        """Whether `word`, which is inside, is a folder somewhere where it may be meant from."""
        return any(self.ground.resolve(path).kind == "folder" for path in self._paths(word))

    def holds_one_of(self, names: Sequence[str]) -> bool:
        """Whether a file of such a name lies where the command runs, or above it in the project."""
        return self._is_above(names, beneath_root=False)

    def in_another_repository(self) -> bool:
        """Whether git may take a folder beneath the root for a repository: a bare one, too."""
        return self._is_above((".git", "HEAD"), beneath_root=True)

    def _is_above(self, names: Sequence[str], *, beneath_root: bool) -> bool:
        folders = {self.ground.resolve(base or ".").real for base in self.bases}
        lengths = {(folder, length) for folder in folders for length in range(len(folder) + 1)}
        above = {folder[:length] for folder, length in lengths if length or not beneath_root}
        return any(self._is_there("/".join((*folder, name))) for folder in above for name in names)

    def holds_secrets(self, word: str, is_read: IsRead, *, shuns_hidden: bool = False) -> bool:
        """Whether a secret that is read lies beneath the folder `word`, which is inside.

        `shuns_hidden`: see `Ground.holds_secrets`."""
        return any(
            self.ground.holds_secrets(path, is_read, self.off_limits, shuns_hidden=shuns_hidden)
            for path in self._paths(word)
        )

    def tracks_secrets(self) -> bool:
        """Whether git may know files here that hold secrets."""
        return self.ground.tracks_secrets(self.off_limits)

    def expanded(self, words: Sequence[str], globs: frozenset[int]) -> tuple[str, ...] | None:
        """`words` as the shell expands them; None where that can't be told.

        Only wildcards behind a folder are followed: at the start of a word, a name that appears
        meanwhile could become an option.
        """
        found: list[str] = []
        for index, word in enumerate(words):
            if index not in globs or _CHOOSING.match(word):
                found.append(word)
                continue
            folder, slash, pattern = word.rpartition("/")
            if not slash or not folder.strip("/") or folder[:1] in "-*?" or "*" in folder:
                return None
            for path in self._paths(folder):
                names = self._names(path, pattern)
                if names is None:
                    return None
                found.extend(f"{folder}/{name}" for name in names or (pattern,))
        return tuple(found) if len(found) <= MAX_NAMES else None

    def entering(self, word: str) -> "Standpoint | None":
        """Behind `cd word`, which stays inside; None where there are too many places to be."""
        bases = tuple(dict.fromkeys((*self.bases, *self._paths(word))))
        return msgspec.structs.replace(self, bases=bases) if len(bases) <= MAX_BASES else None

    def _names(self, folder: str, pattern: str) -> tuple[str, ...] | None:
        try:
            return self.ground.names(folder, pattern)
        except OutsideWorkspace:
            return None

    def _is_there(self, path: str) -> bool:
        try:
            return self.ground.resolve(path).exists
        except OutsideWorkspace:
            return True  # by a link that leads out

    def _paths(self, word: str) -> list[str]:
        if word.startswith("/"):
            return [word]
        return [f"{base}/{word}" if base else word for base in self.bases]

    def _may_read(self, path: str) -> bool:
        try:
            found = self.ground.resolve(path)
        except OutsideWorkspace:
            return False
        return not any(self.off_limits.covers(parts) for parts in (found.literal, found.real))
