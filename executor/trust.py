"""Which directories this user trusts: only there are AGENTS.md and `.codegen/` read and obeyed.

Remembers a directory by its real path, device and inode, so that another one put in its place is
not trusted. Asks nobody.
"""

import contextlib
import fcntl
import json
import os
import secrets
from collections.abc import Generator
from pathlib import Path
from typing import TypedDict

import msgspec

from executor.errors import UsageError

MAX_REMEMBERED = 10_000
MAX_BYTES = 16 * 1024 * 1024


class Identity(TypedDict):
    path: str
    device: int
    inode: int


class Trust:
    """What one user said of directories, in `<state>/trusted.json` and `declined.json` (0600)."""

    def __init__(self, state: Path) -> None:
        self._trusted = _Directories(state / "trusted.json")
        self._declined = _Directories(state / "declined.json")

    def holds(self, directory: Path) -> bool:
        """Whether this very directory is trusted."""
        return self._trusted.hold(directory)

    def remember(self, directory: Path) -> None:
        """Trust `directory` from now on. Raises UsageError when that can't be written down."""
        self._trusted.add(directory)

    def is_declined(self, directory: Path) -> bool:
        """Whether the user was asked, and said no: then nobody asks again."""
        return self._declined.hold(directory)

    def decline(self, directory: Path) -> None:
        """Ask no more. Raises UsageError when that can't be written down."""
        self._declined.add(directory)


class _Directories:
    """A file of directories."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def hold(self, directory: Path) -> bool:
        return _identity(directory) in self._remembered()

    def add(self, directory: Path) -> None:
        identity = _identity(directory)
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _locked(self._file.with_name(f"{self._file.name}.lock")):
                self._add(identity)
        except OSError as error:
            raise UsageError(f"{self._file}: can't be written: {error.strerror}") from error

    def _add(self, identity: Identity) -> None:
        others = [known for known in self._remembered() if known["path"] != identity["path"]]
        kept = [*others, identity][-MAX_REMEMBERED:]
        temporary = self._file.with_name(f"{self._file.name}.{secrets.token_hex(4)}")
        with open(temporary, "x", opener=_private, encoding="utf-8") as file:
            json.dump(kept, file, indent=1)
        temporary.replace(self._file)

    def _remembered(self) -> list[Identity]:
        try:
            with open(self._file, "rb") as file:
                content = file.read(MAX_BYTES)
            # Not msgspec's decoder: a folder's name may be no UTF-8, as a lone surrogate is.
            return msgspec.convert(json.loads(content), list[Identity])
        except (FileNotFoundError, NotADirectoryError):
            return []
        except (OSError, ValueError, RecursionError) as error:
            raise UsageError(
                f"{self._file}: can't be read ({error}); remove it to start anew"
            ) from error


@contextlib.contextmanager
def _locked(path: Path) -> Generator[None]:
    """Hold off every other process and thread that adds a directory."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _identity(directory: Path) -> Identity:
    real = directory.resolve(strict=True)
    status = real.stat()
    return {"path": str(real), "device": status.st_dev, "inode": status.st_ino}


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
