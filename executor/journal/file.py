"""A file that only grows by whole lines, locked while it is open.

Knows bytes, locks and the disk's refusals. What the lines say is not its business.
"""

import fcntl
import os
from pathlib import Path

from executor.errors import JournalError

MAX_BYTES = 256 * 1024 * 1024
"""A journal is compacted long before; a longer file is none."""


class JournalFile:
    """One open, locked journal. Every method raises JournalError where the disk refuses."""

    def __init__(self, path: Path, descriptor: int, size: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self._size = size
        self._broken = ""

    @property
    def size(self) -> int:
        return self._size

    @classmethod
    def create(cls, path: Path, content: bytes) -> "JournalFile":
        """A file that was not there, 0600 in a 0700 folder, with its first lines on disk."""
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.parent.chmod(0o700)
            descriptor = _opened(path, os.O_CREAT | os.O_EXCL)
        except OSError as error:
            raise JournalError(f"the journal {path} can't be made: {error.strerror}") from error
        file = cls(path, descriptor, 0)
        try:
            file.append(content, sync=True)
            _sync_folder(path.parent)
        except (JournalError, OSError):
            path.unlink(missing_ok=True)
            file.close()
            raise
        return file

    @classmethod
    def open(cls, path: Path) -> tuple["JournalFile", bytes]:
        """An existing file and its content. JournalError also where another process holds it."""
        try:
            descriptor = _opened(path, 0)
            try:
                size = os.fstat(descriptor).st_size
                if size > MAX_BYTES:
                    raise JournalError(f"the journal {path} is too long to be one: {size} bytes")
                content = _whole(descriptor, size)
            except (OSError, JournalError):
                os.close(descriptor)
                raise
        except FileNotFoundError:
            raise JournalError(f"there is no journal {path}") from None
        except OSError as error:
            raise JournalError(f"the journal {path} can't be read: {error.strerror}") from error
        return cls(path, descriptor, len(content)), content

    def append(self, lines: bytes, *, sync: bool) -> None:
        """Add whole lines; with `sync` they are on disk when this returns."""
        if self._broken:
            raise JournalError(self._broken)
        try:
            _write_all(self._descriptor, lines)
        except OSError as error:
            # Half a line in the middle of the file would hide all that follows.
            self.truncate(self._size)
            raise JournalError(
                f"the journal {self._path} can't be written: {error.strerror}"
            ) from error
        self._size += len(lines)
        if sync:
            self._sync()

    def truncate(self, size: int) -> None:
        """Drop what lies behind `size`."""
        try:
            os.ftruncate(self._descriptor, size)
        except OSError as error:
            self._broken = f"the journal {self._path} can't be mended: {error.strerror}"
            raise JournalError(self._broken) from error
        self._size = size

    def replace(self, content: bytes) -> None:
        """Put a shorter text with the same meaning in its place: the old or the new, never half."""
        fresh = self._path.with_suffix(".new")
        try:
            fresh.unlink(missing_ok=True)
            descriptor = _opened(fresh, os.O_CREAT | os.O_EXCL)
            try:
                _write_all(descriptor, content)
                os.fsync(descriptor)
                fresh.replace(self._path)
                _sync_folder(self._path.parent)
            except OSError:
                os.close(descriptor)
                fresh.unlink(missing_ok=True)
                raise
        except OSError as error:
            raise JournalError(
                f"the journal {self._path} can't be rewritten: {error.strerror}"
            ) from error
        os.close(self._descriptor)
        self._descriptor, self._size = descriptor, len(content)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
            self._broken = f"the journal {self._path} is closed"

    def remove(self) -> None:
        """Close the file and take it away."""
        self._path.unlink(missing_ok=True)
        self.close()

    def _sync(self) -> None:
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            # After a failed fsync the kernel may drop what it could not write, and say nothing
            # the next time (LWN 752063): this file can promise nothing any more.
            self._broken = f"the journal {self._path} can't be kept safe: {error.strerror}"
            raise JournalError(self._broken) from error


def _opened(path: Path, flags: int) -> int:
    """A locked descriptor of the file that the path names at that moment.

    Another process may put a compacted file in its place between open and lock.
    """
    while True:
        descriptor = os.open(
            path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | flags, 0o600
        )
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
            os.close(descriptor)
        except BlockingIOError:
            os.close(descriptor)
            raise JournalError("this session is open in another codegen on this machine") from None
        except OSError:
            os.close(descriptor)
            raise


def _whole(descriptor: int, size: int) -> bytes:
    content = bytearray()
    while len(content) < size:
        chunk = os.pread(descriptor, size - len(content), len(content))
        if not chunk:
            break
        content += chunk
    return bytes(content)


def _write_all(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _sync_folder(folder: Path) -> None:
    """A file's name is on disk only when its folder is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
