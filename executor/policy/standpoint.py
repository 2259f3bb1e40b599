"""Where a simple command of a shell line stands, and what its words may name from there.

Follows `cd` within one line; knows no program and no option.
"""

from collections.abc import Callable

import msgspec

from executor.errors import OutsideWorkspace
from executor.policy.ground import Ground, IsRead
from executor.workspace import ResolvedPath
from executor.workspace.secret_names import is_secret

MAX_BASES = 8


class Standpoint(msgspec.Struct, frozen=True):
    ground: Ground
    trusted: bool
    off_limits: Callable[[ResolvedPath], bool]
    """Whether a rule of the user's denies reading there, or asks."""
    bases: tuple[str, ...] = ("",)
    """Every folder that the command may run in: a `cd` before it may have failed."""

    def inside(self, word: str) -> bool:
        """Whether `word`, taken as a path, stays within the project and names no secret."""
        return all(self._may_read(path) for path in self._paths(word))

    def holds_secrets(self, word: str, is_read: IsRead) -> bool:
        """Whether a secret that is read lies beneath the folder `word`, which is inside."""
        return any(self.ground.holds_secrets(path, is_read) for path in self._paths(word))

    def entering(self, word: str) -> "Standpoint | None":
        """Behind `cd word`, which stays inside; None where there are too many places to be."""
        bases = tuple(dict.fromkeys((*self.bases, *self._paths(word))))
        return msgspec.structs.replace(self, bases=bases) if len(bases) <= MAX_BASES else None

    def _paths(self, word: str) -> list[str]:
        if word.startswith("/"):
            return [word]
        return [f"{base}/{word}" if base else word for base in self.bases]

    def _may_read(self, path: str) -> bool:
        try:
            found = self.ground.resolve(path)
        except OutsideWorkspace:
            return False
        return not (is_secret(found.literal) or is_secret(found.real) or self.off_limits(found))
