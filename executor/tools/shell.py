"""`Shell`: one command line, run to its end.

A command that ended by itself is a success, whatever its exit code; what may run is decided before.
"""

from executor.errors import ToolFailure
from executor.process.command import Command
from executor.process.programs import shell_argv
from executor.process.report import report
from executor.tool_context import ToolContext, ToolOutcome
from protocol.tools import shell
from protocol.tools.contract import ToolContract


class ShellTool:
    """Streams what the command writes and keeps its head and tail."""

    contract: ToolContract = shell.CONTRACT

    async def run(self, parameters: shell.Shell, context: ToolContext) -> ToolOutcome:
        if "\0" in parameters.command:
            raise ToolFailure("invalid_parameters", "The command holds a NUL character.")
        with context.workspace.folder(parameters.workdir or ".") as folder:
            ended = await context.processes.run(
                Command(
                    argv=shell_argv(parameters.command),
                    folder=folder,
                    call=context.tool_id,
                    timeout_s=parameters.timeout_s,
                    spill=context.spill,
                ),
                context.emit,
            )
        told = report(ended)
        return ToolOutcome(told.text, told.status, told.error, metadata=told.metadata)
