"""How a command is started so that it is confined, as values; and who makes them.

Types only; each sandbox has its own module.
"""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec

MARK = "CODEGEN_CALL"
"""The variable of a command's environment that tells it from the others."""
FIRST_HANDLE = 6
"""Handles for the sandbox's own program are numbered from here: a shell knows one digit only."""


class Opened(msgspec.Struct, frozen=True):
    """A file or folder that the started program finds open under `number`, to read it."""

    number: int
    path: str
    identity: tuple[int, int] | None = None
    """Device and inode that it must have, or the command is not started."""
    written: bool = False
    """A file instead that is emptied, or made, to be written."""


class Grant(msgspec.Struct, frozen=True):
    """Landlock rights at a path and everything beneath it."""

    path: str
    """Absolute, or relative to the project; then no link is followed on the way."""
    rights: int


class Restrictions(msgspec.Struct, frozen=True):
    """What the started process takes upon itself before it becomes the command."""

    project: str
    identity: tuple[int, int]
    handled_fs: int
    handled_net: int
    scoped: int
    grants: tuple[Grant, ...]
    filter: str
    """A seccomp program, in base 64."""
    limits: Mapping[str, int]
    """Resource limits by name, as in RLIMIT_NPROC."""


class Held(msgspec.Struct, frozen=True):
    """What holds the place of protected names of a project: see `stubs`."""

    project: str
    names: Mapping[str, str | None]
    kept: str


class Launch(msgspec.Struct, frozen=True):
    """What is started in a command's stead."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    opened: tuple[Opened, ...] = ()
    folder_at: int | None = None
    """The number under which the program finds the command's folder open."""
    join: tuple[str, ...] = ()
    """Control groups that the command is born into, by their lists of processes."""
    restrictions: Restrictions | None = None
    held: Held | None = None
    """Taken down by whoever starts the command, where the executor is killed meanwhile."""


class Confinement(Protocol):
    """A sandbox, ready for commands."""

    def around(
        self, argv: tuple[str, ...], environment: Mapping[str, str], folder: int
    ) -> AbstractAsyncContextManager[Launch]:
        """How to start `argv` in the folder of this handle; what was put up for it is taken down
        when the context ends.

        Raises ToolFailure where the sandbox can't be set up: the command is then not started.
        """
        ...

    async def broken(self, launch: Launch, code: int, output: bytes) -> str:
        """Why nothing was run, where the sandbox's own program exited with `code` before the
        command began; empty: it was the command. To be asked while `around` lasts."""
        ...

    def hint(self, output: bytes, mark: str) -> str:
        """What to tell the model of a command that failed with `output`, or that ended well where
        that is empty; `mark` is what its environment is marked with. Empty: nothing."""
        ...

    async def close(self) -> None: ...
