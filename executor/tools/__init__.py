"""The built-in tools of this executor: one file each, one tuple that lists them.

Strangers to each other and to the policy; `session` decides what runs.
"""

from executor.tool_context import Tool
from executor.tools.apply_patch import ApplyPatchTool
from executor.tools.clipboard import ClipboardTool
from executor.tools.edit import EditTool
from executor.tools.get_working_directory import GetWorkingDirectoryTool
from executor.tools.git import GitTool
from executor.tools.glob import GlobTool
from executor.tools.grep import GrepTool
from executor.tools.read_file import ReadFileTool
from executor.tools.read_folder import ReadFolderTool
from executor.tools.shell import ShellTool
from executor.tools.shell_kill import ShellKillTool
from executor.tools.shell_output import ShellOutputTool
from executor.tools.web_fetch import WebFetchTool
from executor.tools.write_file import WriteFileTool

TOOLS: tuple[Tool, ...] = (
    GetWorkingDirectoryTool(),
    ReadFileTool(),
    ReadFolderTool(),
    WriteFileTool(),
    EditTool(),
    ApplyPatchTool(),
    GlobTool(),
    GrepTool(),
    ShellTool(),
    ShellOutputTool(),
    ShellKillTool(),
    GitTool(),
    WebFetchTool(),
    ClipboardTool(),
)
