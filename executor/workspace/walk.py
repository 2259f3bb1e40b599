"""List what lies below a folder, by handles, within bounds of number, depth and time.

Follows no links, reads no file but the ignore rules, and decides nothing about what is found.
"""

import os
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Literal

import msgspec

from executor.errors import ToolFailure
from executor.workspace.files import read_regular
from executor.workspace.ignore import NOTHING_IGNORED, IgnoreRules
from executor.workspace.left_out import NOTHING_LEFT_OUT, LeftOut
from executor.workspace.resolved import FOLDER_FLAGS

DEPTH_MAX = 64
RULES_FILE_MAX = 256 * 1024
_GIT_FOLDER = ".git"
_NAMES_MAX = 20_000
"""Of one folder, where only some are to be listed."""

EntryKind = Literal["file", "folder", "link", "other"]


class Entry(msgspec.Struct, frozen=True):
    """One name that was found; `path` is relative to the root."""

    path: tuple[str, ...]
    kind: EntryKind
    size: int
    mtime_ns: int


class Pruning(msgspec.Struct, frozen=True):
    """How far a walk goes, and what it leaves out."""

    depth: int = DEPTH_MAX
    entries_max: int = 200_000
    seconds: float = 4.0
    keep: Callable[[tuple[str, ...], EntryKind], bool] | None = None
    """Which entries are listed; folders that are not listed are entered all the same."""
    cancelled: Callable[[], bool] = lambda: False
    left_out: LeftOut = NOTHING_LEFT_OUT
    """What is neither listed nor entered."""
    above: IgnoreRules = NOTHING_IGNORED
    """Rules that hold in the root already."""
    below_max: int | None = None
    """So many names of each folder below the first are looked at; the rest is in `Listing.more`."""


class Listing(msgspec.Struct, frozen=True):
    base: tuple[str, ...]
    """The folder that was walked, relative to the root."""
    entries: tuple[Entry, ...]
    """Folder by folder, names in order, a folder before what it holds."""
    cut: str = ""
    """Why something was left out, in words; empty if nothing was."""
    more: dict[tuple[str, ...], int] = msgspec.field(default_factory=dict[tuple[str, ...], int])
    """Folders of which names were not looked at, and how many at least; ignored ones count."""


def walk(
    root: int,
    folder: int,
    path: tuple[str, ...],
    pruning: Pruning,
    rules: IgnoreRules | None = None,
) -> Listing:
    """What lies below the handle `folder`, whose path from the handle `root` is `path`.

    `rules` replaces the project's own, which are read on the way down. Folders that can't be read
    or vanish meanwhile are listed and hold nothing.
    """
    walker = _Walker(pruning, own_rules=rules is None)
    if rules is None:
        rules = _rules_above(root, path, pruning.above)
    walker.enter(folder, path, rules, pruning.depth)
    return Listing(path, tuple(walker.entries), walker.cut, walker.more)


def _rules_above(root: int, path: tuple[str, ...], above: IgnoreRules) -> IgnoreRules:
    """The rules that hold for `path` by the folders above it, `.git/info/exclude` first."""
    rules = above.below(_text(root, (_GIT_FOLDER, "info", "exclude")), 0)
    for depth in range(len(path)):
        rules = _with_own(rules, _text(root, (*path[:depth], ".gitignore")), depth)
    return rules


def _with_own(rules: IgnoreRules, text: str, depth: int) -> IgnoreRules:
    return rules.below(text, depth) if text else rules


def _text(root: int, path: tuple[str, ...]) -> str:
    """The ignore rules in a file below `root`, none if it is not there or runs through a link."""
    handle = os.dup(root)
    try:
        for name in path[:-1]:
            below = os.open(name, FOLDER_FLAGS, dir_fd=handle)
            os.close(handle)
            handle = below
        found = read_regular(handle, path[-1], "/".join(path), RULES_FILE_MAX)
    except (OSError, ToolFailure):
        return ""
    finally:
        os.close(handle)
    return found.decode("utf-8", "surrogateescape")


class _Walker:
    def __init__(self, pruning: Pruning, *, own_rules: bool) -> None:
        self.entries: list[Entry] = []
        self.cut = ""
        self.more: dict[tuple[str, ...], int] = {}
        self._pruning = pruning
        self._own_rules = own_rules
        self._deadline = time.monotonic() + pruning.seconds

    def enter(self, folder: int, path: tuple[str, ...], rules: IgnoreRules, depth: int) -> None:
        if self._own_rules:
            rules = _with_own(rules, _text(folder, (".gitignore",)), len(path))
        listed = self._listed(folder)
        most = self._pruning.below_max
        if most is not None and depth < self._pruning.depth and len(listed) > most:
            self.more[path] = len(listed) - most
            listed = _folders_first(listed, most)
        for found in listed:
            if self._is_over():
                return
            entry = _entry(found, path)
            if entry is None or self._is_left_out(entry, rules):
                continue
            keep = self._pruning.keep
            if keep is None or keep(entry.path, entry.kind):
                self.entries.append(entry)
            if entry.kind == "folder" and depth > 1:
                self._descend(folder, entry, rules, depth - 1)

    def _descend(self, folder: int, entry: Entry, rules: IgnoreRules, depth: int) -> None:
        with suppress(OSError):
            handle = os.open(entry.path[-1], FOLDER_FLAGS, dir_fd=folder)
            try:
                self.enter(handle, entry.path, rules, depth)
            finally:
                os.close(handle)

    def _listed(self, folder: int) -> list[os.DirEntry[str]]:
        """The entries in order of name, no more than may still be listed, or chosen from."""
        most = self._pruning.entries_max if self._pruning.below_max is None else _NAMES_MAX
        found: list[os.DirEntry[str]] = []
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                if len(found) > most:
                    break
                found.append(entry)
        return sorted(found, key=lambda entry: entry.name)

    def _is_left_out(self, entry: Entry, rules: IgnoreRules) -> bool:
        is_folder = entry.kind == "folder"
        return (
            entry.path[-1] == _GIT_FOLDER
            or rules.ignores(entry.path, is_folder=is_folder)
            or self._pruning.left_out.covers(entry.path)
        )

    def _is_over(self) -> bool:
        if not self.cut:
            if len(self.entries) >= self._pruning.entries_max:
                self.cut = f"more than {self._pruning.entries_max:,} entries"
            elif time.monotonic() > self._deadline:
                self.cut = f"listing took longer than {self._pruning.seconds:g} s"
            elif self._pruning.cancelled():
                self.cut = "cancelled"
        return bool(self.cut)


def _folders_first(listed: list[os.DirEntry[str]], most: int) -> list[os.DirEntry[str]]:
    """So many of them, in order of name: what lies deeper is found by its folder alone."""
    chosen = sorted(listed, key=lambda entry: not entry.is_dir(follow_symlinks=False))[:most]
    return sorted(chosen, key=lambda entry: entry.name)


def _entry(found: os.DirEntry[str], path: tuple[str, ...]) -> Entry | None:
    try:
        status = found.stat(follow_symlinks=False)
    except OSError:
        return None
    return Entry((*path, found.name), _kind(status.st_mode), status.st_size, status.st_mtime_ns)


def _kind(mode: int) -> EntryKind:
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "folder"
    return "link" if stat.S_ISLNK(mode) else "other"
