"""`GetWorkingDirectory`: where the executor works.

Looks at nothing in the project.
"""

import platform

from executor.process.programs import shell
from executor.tool_context import ToolContext, ToolOutcome
from protocol.tools import get_working_directory
from protocol.tools.contract import ToolContract


class GetWorkingDirectoryTool:
    """Tells root, working directory, operating system and shell."""

    contract: ToolContract = get_working_directory.CONTRACT

    async def run(
        self, parameters: get_working_directory.GetWorkingDirectory, context: ToolContext
    ) -> ToolOutcome:
        del parameters  # there are none
        root = context.workspace.shown_root
        system = f"{platform.system()} {platform.release()} ({platform.machine()})"
        place = context.shells.place()
        cwd = f"{root}/{place}" if place else root
        return ToolOutcome(f"root: {root}\ncwd: {cwd}\nos: {system}\nshell: {shell()}")
