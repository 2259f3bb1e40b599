"""The ignore rules that hold in a folder of a scan, read and compiled only where a name needs them.

Knows by status whether rules have changed; what is done about ignored names is `scan`'s business.
"""

import hashlib
import os

from executor.errors import ToolFailure
from executor.snapshots.exact import folder_of
from executor.snapshots.manifest import StatKey
from executor.workspace.files import read_regular
from executor.workspace.ignore import NOTHING_IGNORED, IgnoreRules
from executor.workspace.ignored_above import NOTHING_ABOVE, FromAbove

RULES_FILE_MAX = 256 * 1024
_EXCLUDES = ".git/info/exclude"


class Rules:
    """Valid while the folder whose rules they are is open."""

    def __init__(self, above: "Rules | None", folder: int, path: str, key: StatKey) -> None:
        """`key` is the status of the rules' file: `.gitignore` of `path`."""
        self._above = above
        self._folder = folder
        self._path = path
        self._compiled: IgnoreRules | None = None
        known = b"" if above is None else above.mark
        self.mark = hashlib.blake2b(known + repr(key).encode(), digest_size=8).digest()
        """Another one where the rules may be others."""

    def ignores(self, path: str, *, is_folder: bool) -> bool:
        return self.compiled().ignores(tuple(path.split("/")), is_folder=is_folder)

    def compiled(self) -> IgnoreRules:
        if self._compiled is None:
            above = self._base() if self._above is None else self._above.compiled()
            depth = self._path.count("/") + 1 if self._path else 0
            self._compiled = above.below(self._text(), depth)
        return self._compiled

    def _base(self) -> IgnoreRules:
        """What holds where nothing else does."""
        return NOTHING_IGNORED

    def _text(self) -> str:
        return _text(self._folder, ".gitignore")


class ProjectRules(Rules):
    """Those of `.git/info/exclude`, above all others but what comes from above the project."""

    def __init__(self, root: int, from_above: FromAbove = NOTHING_ABOVE) -> None:
        super().__init__(None, root, "", _status_of_excludes(root))
        self._from_above = from_above.rules
        if from_above.mark:
            self.mark = hashlib.blake2b(self.mark + from_above.mark, digest_size=8).digest()

    def _base(self) -> IgnoreRules:
        return self._from_above

    def _text(self) -> str:
        return _text(self._folder, _EXCLUDES)


def _status_of_excludes(root: int) -> StatKey:
    try:
        with folder_of(root, _EXCLUDES) as (folder, name):
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError:
        return ()
    return (status.st_size, status.st_mtime_ns, status.st_ino)


def _text(root: int, path: str) -> str:
    try:
        with folder_of(root, path) as (folder, name):
            content = read_regular(folder, name, name, RULES_FILE_MAX)
    except (OSError, ToolFailure):
        return ""
    return content.decode("utf-8", "surrogateescape")
