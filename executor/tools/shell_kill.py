"""`ShellKill`: end a command in the background with all that it has started.

Knows only what this session has started.
"""

from executor.process.kept import part
from executor.process.report import ending, metadata, part_text, with_facts
from executor.tool_context import ToolContext, ToolOutcome
from protocol.tools import shell_kill
from protocol.tools.contract import ToolContract

REST_MAX = 4 * 1024
"""Bytes of output that nobody has read."""


class ShellKillTool:
    """Asks every process to end, and kills those that do not."""

    contract: ToolContract = shell_kill.CONTRACT

    async def run(self, parameters: shell_kill.ShellKill, context: ToolContext) -> ToolOutcome:
        shell = context.shells.find(parameters.shell_id)
        had_ended = shell.ended is not None
        ended = await shell.stop("by ShellKill")
        output = shell.output
        rest = part(output, max(shell.cursor, output.total_bytes - REST_MAX), REST_MAX)
        shell.cursor = output.total_bytes
        how = f"{shell.shell_id} had ended before" if had_ended else shell.shell_id
        text = with_facts(
            part_text(rest.content, terminal=shell.terminal), f"{how}: {ending(ended.outcome)}"
        )
        return ToolOutcome(text, metadata=metadata(ended))
