"""The files in which bubblewrap says of a command whether it was begun, one for each that runs.

They lie where no command sees them. A file that is gone says nothing, so nothing is made of it.
"""

import os
import re
from contextlib import suppress
from pathlib import Path

_NAME = re.compile(r"status\.([0-9]+)\.[0-9a-f]+\.[0-9]+")
_READ_BYTES = 4096
_SAID_BYTES = 600
_ENDED = b'"exit-code"'
"""Is told of commands only: what ends before it has become one has no such entry."""


class StatusFiles:
    """Of one session; a file is used again when its command has ended."""

    def __init__(self, folder: Path) -> None:
        """`folder` is this user's alone; it need not exist yet."""
        self._folder = folder
        self._free: list[str] = []
        self._made: list[str] = []

    def take(self) -> str:
        """The path of one that no other command uses. It is made by who writes it."""
        if self._free:
            return self._free.pop()
        name = f"status.{os.getpid()}.{id(self):x}.{len(self._made)}"
        self._made.append(str(self._folder / name))
        return self._made[-1]

    def give_back(self, path: str) -> None:
        self._free.append(path)

    def remove_left(self) -> None:
        """Those of executors that were killed. Raises OSError where there is no folder."""
        for name in os.listdir(self._folder):
            made_by = _NAME.fullmatch(name)
            if made_by is not None and not os.path.exists(f"/proc/{made_by[1]}"):
                (self._folder / name).unlink(missing_ok=True)

    def close(self) -> None:
        for path in self._made:
            with suppress(FileNotFoundError):  # its command never came to be
                os.unlink(path)


def was_begun(path: str) -> bool:
    """Whether the command was; also where nobody can tell."""
    try:
        with open(path, "rb") as file:
            return _ENDED in file.read(_READ_BYTES)
    except OSError:
        return True


def said(output: bytes, program: bytes) -> str:
    """What the sandbox's own `program` wrote as the reason, without its name on each line."""
    lines = output[-_SAID_BYTES:].decode("utf-8", "replace").splitlines()
    name = f"{program.decode()}: "
    words = "; ".join(line.removeprefix(name).strip() for line in lines if line.strip())
    return words.rstrip(".") or "it gave no reason"
