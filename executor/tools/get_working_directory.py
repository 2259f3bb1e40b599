"""`GetWorkingDirectory`: where the executor works.

Looks at nothing in the project but whether it is a part of a repository.
"""

import platform

from executor.process.programs import shell
from executor.tool_context import ToolContext, ToolOutcome
from executor.workspace.ignored_above import repository_above
from executor.workspace.names import printable
from executor.workspace.waiting import in_thread
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
        lines = [f"root: {root}", f"cwd: {cwd}", f"os: {system}", f"shell: {shell()}"]
        top = await in_thread(lambda: repository_above(context.workspace.root))
        if top is not None:
            lines.append(
                f"repository: {printable(str(top))}, above the root: the Git tool reaches it, git "
                "in Shell may not"
            )
        return ToolOutcome("\n".join(lines))
