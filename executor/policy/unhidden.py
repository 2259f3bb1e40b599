"""Hidden files that a search reads all the same: a `!` line of an ignore file means them.

Reads the ignore files of single folders; errs towards files that are read.
"""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from executor.policy.globs import last_names, may_match_any
from executor.policy.tracked import content_of

IGNORE_MAX = 64 * 1024
"""Bytes of one ignore file; a longer one may mean anything."""
MAX_PATTERNS = 50
"""Of one search; more may mean anything."""
_NAMES = (".gitignore", ".ignore", ".rgignore")
_EXCLUDE = ".git/info/exclude"

Kind = Literal["file", "folder"]


class Unhidden:
    """What was found so far."""

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._folders: set[str] = set()

    def means(self, name: str, kind: Kind) -> bool:
        """Whether a hidden file or folder of this name may be shown."""
        if not name.startswith("."):
            return False
        return may_match_any(name.casefold(), self._folders if kind == "folder" else self._files)

    def learn(self, root: Path, folder: Sequence[str]) -> None:
        """What the ignore files of this `folder` beneath `root` mean."""
        for name in _NAMES if folder else (*_NAMES, _EXCLUDE):
            for pattern in _patterns(Path(root, *folder, name)):
                folders_alone = pattern.endswith("/")
                for last in last_names(pattern):
                    self._folders.add(last)
                    if not folders_alone:
                        self._files.add(last)
        if len(self._folders) > MAX_PATTERNS:
            self._files = self._folders = {"*"}


def _patterns(file: Path) -> Iterable[str]:
    content = content_of(file, IGNORE_MAX)
    if content is None:
        return ["*"] if os.path.lexists(file) else []
    lines = os.fsdecode(content).casefold().splitlines()
    return [line[1:].rstrip() for line in lines if line.startswith("!")]
