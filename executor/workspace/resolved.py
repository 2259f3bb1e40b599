"""Follow a path beneath the root one component at a time, each by its folder's handle.

Opens folders only, and never one by a name that could have become a link; reads no file.
"""

import os
import stat
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import msgspec

from executor.errors import OutsideWorkspace
from executor.workspace.names import components, printable

Kind = Literal["file", "folder", "other", "missing"]
"""'other' is a FIFO, a device or a socket. Links are followed, so none is left."""

LINKS_MAX = 40
"""Links in one path, as on Linux."""

FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class ResolvedPath(msgspec.Struct, frozen=True):
    """Where a path leads. All parts are relative to the root; the root itself has none."""

    literal: tuple[str, ...]
    """As written, '..' taken out without looking at links."""
    real: tuple[str, ...]
    """Where it leads through links; for what is missing, where it would be made."""
    kind: Kind

    @property
    def exists(self) -> bool:
        return self.kind != "missing"

    @property
    def shown(self) -> str:
        """The real path as one printable line, '.' for the root."""
        return shown(self.real)


def shown(parts: tuple[str, ...]) -> str:
    """`parts` as one printable line, '.' for the root."""
    return printable("/".join(parts)) or "."


class Located(msgspec.Struct, frozen=True):
    """A resolved path and the handle from which it can be opened, valid inside `located`."""

    path: ResolvedPath
    folder: int
    """The deepest folder that exists; the path's own when it is a folder."""
    rest: tuple[str, ...]
    """What lies below `folder`: nothing, one name, or several that are missing."""


@contextmanager
def located(root: int, roots: tuple[Path, ...], path: str) -> Generator[Located]:
    """Resolve `path` below the handle `root`, whose names are `roots`.

    Raises OutsideWorkspace where it leads out, and OSError where a component can't be passed.
    """
    parts = components(path, roots)
    walk = _Walk(root, roots)
    try:
        walk.follow(parts)
        resolved = ResolvedPath(_collapsed(parts), walk.come, walk.kind)
        yield Located(resolved, walk.folder, tuple(walk.rest))
    finally:
        walk.close()


def _collapsed(parts: tuple[str, ...]) -> tuple[str, ...]:
    kept: list[str] = []
    for part in parts:
        if part != "..":
            kept.append(part)
        elif kept:
            kept.pop()
    return tuple(kept)


class _Walk:
    """The folders from the root down to where the path has come, all held open.

    '..' closes a handle and so goes back the way that was come, whatever has been moved meanwhile.
    """

    def __init__(self, root: int, roots: tuple[Path, ...]) -> None:
        self.names: list[str] = []
        self.rest: list[str] = []
        self.kind: Kind = "folder"
        self._root = root
        self._roots = roots
        self._opened: list[int] = []

    @property
    def folder(self) -> int:
        return self._opened[-1] if self._opened else self._root

    @property
    def come(self) -> tuple[str, ...]:
        return (*self.names, *self.rest)

    def close(self) -> None:
        while self._opened:
            os.close(self._opened.pop())

    def follow(self, parts: tuple[str, ...]) -> None:
        todo = deque(parts)
        links = 0
        while todo:
            part = todo.popleft()
            if part == "..":
                self._up()
                continue
            if self.rest:
                self._end(part, "missing")
                continue
            target = self._down(part)
            if target is None:
                continue
            links += 1
            if links > LINKS_MAX:
                raise OutsideWorkspace(f"{shown(parts)} runs through too many links")
            todo.extendleft(reversed(self._link_parts(target)))

    def _up(self) -> None:
        if self.rest:
            raise OutsideWorkspace(f"'..' follows {shown(self.come)}, which is no folder")
        if self._opened:
            self.names.pop()
            os.close(self._opened.pop())
        else:
            raise OutsideWorkspace(f"the path leads above the project {self._roots[0]}")

    def _down(self, part: str) -> str | None:
        """Enter `part`; its target if it is a link, which is not entered."""
        try:
            mode = os.stat(part, dir_fd=self.folder, follow_symlinks=False).st_mode
        except FileNotFoundError:
            self._end(part, "missing")
            return None
        if stat.S_ISLNK(mode):
            return os.readlink(part, dir_fd=self.folder)
        if stat.S_ISDIR(mode):
            self._opened.append(os.open(part, FOLDER_FLAGS, dir_fd=self.folder))
            self.names.append(part)
        else:
            self._end(part, "file" if stat.S_ISREG(mode) else "other")
        return None

    def _end(self, part: str, kind: Kind) -> None:
        self.rest.append(part)
        self.kind = kind

    def _link_parts(self, target: str) -> tuple[str, ...]:
        parts = components(target, self._roots)
        if target.startswith("/"):
            self.close()
            self.names.clear()
        return parts
