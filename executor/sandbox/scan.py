"""Find what a project holds that commands must not see, or not change.

Looks at names, not at content, and again only into folders that have changed since.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from executor.workspace.secret_names import SECRET_FOLDERS, is_secret

MAX_FOLDERS = 20_000
MAX_FOUND = 500
SKIPPED = frozenset({"node_modules", "site-packages", "dist-packages", "__pycache__", ".tox"})
"""What package managers fill: its keys and certificates are nobody's secrets."""
_SETTLED_NS = 100_000_000
"""A folder that was changed within this time may change again without a later time stamp."""


class Found(msgspec.Struct, frozen=True):
    """Paths relative to the project, as written on disk; nothing beneath one that is listed."""

    secrets: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()


class _Folder(msgspec.Struct, frozen=True):
    """Paths relative to the project, as in `Found`; its folders last first."""

    changed_ns: int
    folders: tuple[str, ...]
    secrets: tuple[str, ...]
    protected: tuple[str, ...]


class Scan:
    """Remembers what it has seen; one for each session, used by one thread at a time."""

    def __init__(
        self, project: Path, protected: frozenset[str], exposed: Callable[[str], bool]
    ) -> None:
        """`protected` holds folded names; `exposed` tells which secrets are shown all the same."""
        self._project = str(project)
        self._protected = protected
        self._exposed = exposed
        self._known: dict[str, _Folder] = {}

    def look(self) -> Found:
        """What there is; bounded, so that a huge tree is looked at only in part."""
        secrets: list[str] = []
        protected: list[str] = []
        known: dict[str, _Folder] = {}
        waiting = [""]
        while waiting and len(known) < MAX_FOLDERS:
            path = waiting.pop()
            folder = self._folder(path)
            if folder is None:
                continue
            known[path] = folder
            secrets += folder.secrets
            protected += folder.protected
            waiting += folder.folders
        self._known = known
        return Found(tuple(secrets[:MAX_FOUND]), tuple(protected[:MAX_FOUND]))

    def _folder(self, path: str) -> _Folder | None:
        whole = f"{self._project}/{path}"
        try:
            changed_ns = os.lstat(whole).st_mtime_ns
            known = self._known.get(path)
            if known is not None and known.changed_ns == changed_ns:
                return known
            return self._read(path, whole, changed_ns)
        except OSError:
            return None  # gone, or closed to this user: then to its commands too

    def _read(self, path: str, whole: str, changed_ns: int) -> _Folder:
        folders: list[str] = []
        secrets: list[str] = []
        protected: list[str] = []
        with os.scandir(whole) as entries:
            for entry in entries:
                name, is_folder = entry.name, entry.is_dir(follow_symlinks=False)
                inside = f"{path}/{name}" if path else name
                if name.casefold() in self._protected:
                    protected.append(inside)
                elif _hides(name, is_folder=is_folder):
                    if not self._exposed(inside):
                        secrets.append(inside)
                elif is_folder and name not in SKIPPED:
                    folders.append(inside)
        settled = changed_ns < time.time_ns() - _SETTLED_NS
        return _Folder(
            changed_ns if settled else -1, tuple(folders[::-1]), tuple(secrets), tuple(protected)
        )


def _hides(name: str, *, is_folder: bool) -> bool:
    return name.lower() in SECRET_FOLDERS if is_folder else is_secret((name,))
