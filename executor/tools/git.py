"""`Git`: one git command as an argument list, and nothing of the repository's run by it.

Which commands may run is decided before; how git is kept from running more is in `process.git`.
Git itself is not confined (it writes what commands may not, and needs its user's keys), unless its
arguments make it run something else.
"""

from executor.errors import ToolFailure
from executor.process.command import Command
from executor.process.git import (
    ENVIRONMENT,
    LIST_CONFIGURATION,
    GitRefused,
    hardened,
    runs_programs,
    unconfigured,
)
from executor.process.report import report
from executor.tool_context import ToolContext, ToolOutcome
from protocol.tools import git
from protocol.tools.contract import ToolContract

SECONDS = 120.0
_CONFIGURATION_SECONDS = 10.0
_CONFIGURATION_MAX = 1024 * 1024


class GitTool:
    """Asks git what the repository configures, then runs the command without it."""

    contract: ToolContract = git.CONTRACT

    async def run(self, parameters: git.Git, context: ToolContext) -> ToolOutcome:
        if any("\0" in arg for arg in parameters.args):
            raise ToolFailure("invalid_parameters", "An argument holds a NUL character.")
        program = context.processes.program("git", context.workspace.root)
        if program is None:
            raise ToolFailure("not_started", "There is no git on this machine.")
        with context.workspace.folder(".") as root:
            configuration = await _configuration(program, root, context)
            try:
                args = hardened(parameters.args, configuration)
            except GitRefused as error:
                raise ToolFailure("invalid_parameters", str(error)) from error
            command = Command(
                argv=(program, *args),
                folder=root,
                call=context.tool_id,
                timeout_s=SECONDS,
                environment=ENVIRONMENT,
                spill=context.spill,
                confined=runs_programs(parameters.args),
            )
            ended = await context.processes.run(command, context.emit)
        kept = context.shells.keep(ended).shell_id if ended.output.truncated else ""
        told = report(ended, shell_id=kept)
        return ToolOutcome(told.text, told.status, told.error, metadata=told.metadata)


async def _configuration(program: str, root: int, context: ToolContext) -> bytes:
    """What git says of its configuration there; nothing outside a repository."""
    command = Command(
        argv=(program, *unconfigured(LIST_CONFIGURATION)),
        folder=root,
        call=context.tool_id,
        timeout_s=_CONFIGURATION_SECONDS,
        environment=ENVIRONMENT,
        head_bytes=_CONFIGURATION_MAX,
        tail_bytes=0,
        keep_stderr=False,
        confined=False,
    )
    output = (await context.processes.run(command)).output
    if output.truncated:
        raise ToolFailure("invalid_parameters", "The repository's configuration is too long.")
    return output.head
