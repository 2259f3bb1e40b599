"""Read one regular file whole, and write one beside another, from its folder's handle.

Knows nothing of paths with more than one component, of text, or of who may do it.
"""

import hashlib
import os
import stat
from collections import OrderedDict

import msgspec

from executor.errors import ToolFailure
from executor.workspace.likeness import take_after

READ_MAX = 32 * 1024 * 1024
"""Bytes of the largest file that is read whole."""
RECENT_FILE_MAX = 1024 * 1024
RECENT_MAX = 16 * 1024 * 1024

_CHUNK = 1024 * 1024
_READ_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY | os.O_CLOEXEC
_TEMP_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Stamp(msgspec.Struct, frozen=True):
    """What tells one state of a name from another without reading: equal means unchanged."""

    inode: int = 0
    size: int = 0
    mtime_ns: int = 0
    ctime_ns: int = 0


MISSING = Stamp()
"""The state of a name that nothing stands behind."""


class FileBytes(msgspec.Struct, frozen=True):
    """A file as it was at one moment."""

    shown: str
    """Its real path relative to the root, printable."""
    content: bytes
    digest: str
    """SHA-256 of `content`, in hexadecimal."""
    stamp: Stamp = MISSING
    """Taken before `content` was read."""


class Recent:
    """The contents that were read or written last, by digest, bounded in bytes."""

    def __init__(self) -> None:
        self._contents: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0

    def keep(self, digest: str, content: bytes) -> None:
        if len(content) > RECENT_FILE_MAX or digest in self._contents:
            return
        self._contents[digest] = content
        self._size += len(content)
        while self._size > RECENT_MAX:
            self._size -= len(self._contents.popitem(last=False)[1])

    def get(self, digest: str) -> bytes | None:
        return self._contents.get(digest)


def open_regular(folder: int, name: str, shown: str) -> int:
    """A readable handle of a regular file; nothing else is waited for or read from.

    Raises OSError, and ToolFailure `not_a_file` for FIFOs, devices and sockets.
    """
    # Looked at before, for opening a device may do something; and after, for it may be another one.
    _require_file(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode, shown)
    handle = os.open(name, _READ_FLAGS, dir_fd=folder)
    try:
        _require_file(os.fstat(handle).st_mode, shown)
    except ToolFailure:
        os.close(handle)
        raise
    return handle


def _require_file(mode: int, shown: str) -> None:
    if not stat.S_ISREG(mode):
        raise ToolFailure("not_a_file", f"{shown} is {kind_of(mode)}, not a file.")


def kind_of(mode: int) -> str:
    """What stands behind `st_mode`, in words."""
    for is_kind, words in (
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISFIFO, "a FIFO"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a character device"),
        (stat.S_ISBLK, "a block device"),
        (stat.S_ISLNK, "a link"),
    ):
        if is_kind(mode):
            return words
    return "a file"


def read_regular(folder: int, name: str, shown: str, limit: int = READ_MAX) -> bytes:
    """The file `name` of `folder`. Raises OSError, and ToolFailure for what is no file or too big.

    The size is checked again on what was read: a file may grow, and /proc says 0.
    """
    return read_stamped(folder, name, shown, limit)[0]


def read_stamped(folder: int, name: str, shown: str, limit: int) -> tuple[bytes, Stamp]:
    """Like `read_regular`, with the state of the file before it was read."""
    handle = open_regular(folder, name, shown)
    try:
        before = os.fstat(handle)
        size = before.st_size
        if size > limit:
            raise _too_large(shown, size, limit)
        chunks: list[bytes] = []
        total = 0
        while chunk := os.read(handle, _CHUNK):
            chunks.append(chunk)
            total += len(chunk)
            if total > limit:
                raise _too_large(shown, total, limit)
    finally:
        os.close(handle)
    return b"".join(chunks), stamp_of(before)


def stamp_of(status: os.stat_result | None) -> Stamp:
    """The state that `status` tells of; MISSING for None."""
    if status is None:
        return MISSING
    return Stamp(status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def write_temporary(
    folder: int, name: str, content: bytes, new_mode: int, like: tuple[int, str] | None = None
) -> None:
    """Make the file `name`, which is not there, hold `content` on disk. Raises OSError.

    It takes mode, extended attributes (access lists among them) and, where that is allowed, owner
    after the file `like`, a folder and a name; `new_mode` where there is none.
    """
    status = None if like is None else status_of(*like)
    handle = os.open(name, _TEMP_FLAGS, 0o600, dir_fd=folder)
    try:
        _write_all(handle, content)
        if like is None or status is None:
            os.fchmod(handle, new_mode)
        else:
            take_after(handle, status, *like)
        os.fsync(handle)
    finally:
        os.close(handle)


def status_of(folder: int, name: str) -> os.stat_result | None:
    """What stands behind `name`, links not followed; None for nothing."""
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _write_all(handle: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(handle, rest) :]


def _too_large(shown: str, size: int, limit: int) -> ToolFailure:
    return ToolFailure(
        "too_large",
        f"{shown} has {size:,} bytes, more than the {limit:,} that are read at once. "
        "Use Grep to find the place, or Shell (head, tail, sed -n) for a part of it.",
    )
