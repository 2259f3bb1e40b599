"""Which directories this user trusts: only there are AGENTS.md and `.codegen/` read and obeyed.

Remembers a directory by its real path, device and inode, so that another one put in its place is
not trusted. Asks nobody.
"""

import json
import os
import secrets
from pathlib import Path
from typing import Any, cast

from executor.errors import UsageError

MAX_REMEMBERED = 10_000


class Trust:
    """The trusted directories of one user, kept in `<state>/trusted.json` (0600)."""

    def __init__(self, state: Path) -> None:
        self._file = state / "trusted.json"

    def holds(self, directory: Path) -> bool:
        """Whether this very directory is trusted."""
        return _identity(directory) in self._remembered()

    def remember(self, directory: Path) -> None:
        """Trust `directory` from now on. Raises UsageError when that can't be written down."""
        identity = _identity(directory)
        others = [known for known in self._remembered() if known["path"] != identity["path"]]
        kept = [*others, identity][-MAX_REMEMBERED:]
        temporary = self._file.with_name(f"{self._file.name}.{secrets.token_hex(4)}")
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with open(temporary, "x", opener=_private, encoding="utf-8") as file:
                json.dump(kept, file, indent=1)
            temporary.replace(self._file)
        except OSError as error:
            raise UsageError(f"{self._file}: can't remember the trust: {error}") from error

    def _remembered(self) -> list[dict[str, Any]]:
        try:
            document: Any = json.loads(self._file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return []
        except (OSError, ValueError) as error:
            raise UsageError(
                f"{self._file}: can't be read ({error}); remove it to start anew"
            ) from error
        if not isinstance(document, list):
            raise UsageError(f"{self._file}: not a list; remove it to start anew")
        return cast("list[dict[str, Any]]", document)


def _identity(directory: Path) -> dict[str, Any]:
    real = directory.resolve(strict=True)
    status = real.stat()
    return {"path": str(real), "device": status.st_dev, "inode": status.st_ino}


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
