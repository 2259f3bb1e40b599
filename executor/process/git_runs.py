"""Run git in one folder, hardened by what its repository configures.

Knows how; what may run, and what is made of the output, is for those who ask.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import msgspec

from executor.errors import ToolFailure
from executor.process.command import Command, Ended, Exited
from executor.process.git import (
    ENVIRONMENT,
    LIST_CONFIGURATION,
    GitRefused,
    hardened,
    unconfigured,
)
from executor.process.processes import Processes
from executor.workspace import Workspace

QUESTION_SECONDS = 10.0
_CONFIGURATION_MAX = 1024 * 1024
ANSWER_MAX = 4 * 1024 * 1024


class Git(msgspec.Struct, frozen=True):
    """One repository as it was configured a moment ago; valid while `folder` is open."""

    program: str
    folder: int
    call: str
    processes: Processes
    configuration: bytes = b""

    async def configured(self) -> "Git":
        """The same, with what git says of its configuration there; nothing outside a repository."""
        output = (await self._asked(unconfigured(LIST_CONFIGURATION), _CONFIGURATION_MAX)).output
        if output.truncated:
            raise ToolFailure("invalid_parameters", "The repository's configuration is too long.")
        return msgspec.structs.replace(self, configuration=output.head)

    def argv(self, args: tuple[str, ...]) -> tuple[str, ...]:
        """Program and arguments; raises ToolFailure for those that would undo the hardening."""
        try:
            return (self.program, *hardened(args, self.configuration))
        except GitRefused as error:
            raise ToolFailure("invalid_parameters", str(error)) from error

    async def answer(self, args: tuple[str, ...]) -> bytes | None:
        """What git writes to a command that only looks; None where it fails or takes too long."""
        ended = await self._asked(self.argv(args)[1:], ANSWER_MAX)
        return ended.output.head if ended.outcome == Exited(0) else None

    async def _asked(self, args: tuple[str, ...], limit: int) -> Ended:
        command = Command(
            argv=(self.program, *args),
            folder=self.folder,
            call=self.call,
            timeout_s=QUESTION_SECONDS,
            environment=ENVIRONMENT,
            head_bytes=limit,
            tail_bytes=0,
            keep_stderr=False,
            confined=False,
        )
        return await self.processes.run(command)


@asynccontextmanager
async def git_in(
    processes: Processes, workspace: Workspace, call: str, folder: str = "."
) -> AsyncGenerator[Git]:
    """Git in a `folder` of the project, as it is configured there.

    Raises ToolFailure where there is no git or no such folder.
    """
    program = processes.program("git", workspace.root)
    if program is None:
        raise ToolFailure("not_started", "There is no git on this machine.")
    with workspace.folder(folder) as handle:
        yield await Git(program, handle, call, processes).configured()
