"""The names of the files that git tracks, from its index: read as a file, git is not run.

Understands the plain forms (version 2 and 3, SHA-1); of any other nothing is known.
"""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

INDEX_MAX = 16 * 1024 * 1024
_POINTER_MAX = 4096
_HEADER = 12
_FIXED = 62
_CHECKSUM = 20
_ELSEWHERE = (b"link", b"sdir")
"""Extensions that say that names stand elsewhere, or that folders stand for them."""


def index_of(root: Path) -> Path | None:
    """The index of the repository at `root`; None where there is none, or it begins above."""
    folder = _git_folder(root)
    return None if folder is None else folder / "index"


def repository_of(root: Path) -> Path | None:
    """The folder that holds its objects; the working trees of one repository share it."""
    folder = _git_folder(root)
    shared = None if folder is None else content_of(folder / "commondir", _POINTER_MAX)
    if folder is None or shared is None:
        return folder
    name = os.fsdecode(shared.strip())
    return folder / name if "\0" not in name else None


def _git_folder(root: Path) -> Path | None:
    git = root / ".git"
    if git.is_dir():
        return git
    pointer = content_of(git, _POINTER_MAX)
    if pointer is None or not pointer.startswith(b"gitdir: "):
        return None
    folder = os.fsdecode(pointer.removeprefix(b"gitdir: ").strip())
    return root / folder if "\0" not in folder else None


def tracked_names(index: Path) -> tuple[str, ...] | None:
    """The paths that `index` lists, relative to its root; None where that can't be told."""
    if not os.path.lexists(index):
        return ()  # of a repository in which nothing was ever added
    content = content_of(index, INDEX_MAX)
    if content is None or content[:4] != b"DIRC" or content[4:8] not in (b"\0\0\0\2", b"\0\0\0\3"):
        return None
    try:
        names, end = _names(content, int.from_bytes(content[8:12], "big"))
    except (IndexError, ValueError):
        return None
    rest = content[end : len(content) - _CHECKSUM]
    if any(extension in rest for extension in _ELSEWHERE):
        return None
    return tuple(os.fsdecode(name) for name in names)


def _names(content: bytes, count: int) -> tuple[list[bytes], int]:
    names: list[bytes] = []
    at = _HEADER
    for _ in range(count):
        flags = content[at + 60] << 8 | content[at + 61]
        start = at + _FIXED + (2 if flags & 0x4000 else 0)
        end = content.index(0, start)
        if min(end - start, 0xFFF) != flags & 0xFFF:
            raise ValueError("not the form that is understood")
        names.append(content[start:end])
        at += (end - at + 8) & ~7
    return names, at


def content_of(file: Path, limit: int) -> bytes | None:
    """A regular file of at most `limit` bytes."""
    try:
        with opened(file) as content:
            size = os.fstat(content.fileno()).st_size
            return content.read(limit) if size <= limit else None
    except OSError:
        return None


def opened(file: Path) -> BinaryIO:
    """A regular file, to be read. Raises OSError, also for what else is there: pipes never end."""
    handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "no regular file", str(file))
    return os.fdopen(handle, "rb")
