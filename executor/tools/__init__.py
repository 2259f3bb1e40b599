"""The built-in tools of this executor: one file each, one table that lists them.

Strangers to each other and to the policy; `session` decides what runs. Each is loaded when it is
first asked for: few runs need all of them, and every run waits for what is loaded before it.
"""

from collections.abc import Callable, Iterator, Mapping

from executor.tool_context import Tool


class _Tools(Mapping[str, Tool]):
    """By name."""

    def __init__(self, makers: Mapping[str, Callable[[], Tool]]) -> None:
        self._makers = makers
        self._made: dict[str, Tool] = {}

    def __getitem__(self, name: str) -> Tool:
        if name not in self._made:
            self._made[name] = self._makers[name]()
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in self._makers

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


def _get_working_directory() -> Tool:
    from executor.tools.get_working_directory import GetWorkingDirectoryTool

    return GetWorkingDirectoryTool()


def _read_file() -> Tool:
    from executor.tools.read_file import ReadFileTool

    return ReadFileTool()


def _read_folder() -> Tool:
    from executor.tools.read_folder import ReadFolderTool

    return ReadFolderTool()


def _write_file() -> Tool:
    from executor.tools.write_file import WriteFileTool

    return WriteFileTool()


def _edit() -> Tool:
    from executor.tools.edit import EditTool

    return EditTool()


def _apply_patch() -> Tool:
    from executor.tools.apply_patch import ApplyPatchTool

    return ApplyPatchTool()


def _glob() -> Tool:
    from executor.tools.glob import GlobTool

    return GlobTool()


def _grep() -> Tool:
    from executor.tools.grep import GrepTool

    return GrepTool()


def _shell() -> Tool:
    from executor.tools.shell import ShellTool

    return ShellTool()


def _shell_output() -> Tool:
    from executor.tools.shell_output import ShellOutputTool

    return ShellOutputTool()


def _shell_kill() -> Tool:
    from executor.tools.shell_kill import ShellKillTool

    return ShellKillTool()


def _git() -> Tool:
    from executor.tools.git import GitTool

    return GitTool()


def _web_fetch() -> Tool:
    from executor.tools.web_fetch import WebFetchTool

    return WebFetchTool()


def _clipboard() -> Tool:
    from executor.tools.clipboard import ClipboardTool

    return ClipboardTool()


TOOLS: Mapping[str, Tool] = _Tools(
    {
        "GetWorkingDirectory": _get_working_directory,
        "ReadFile": _read_file,
        "ReadFolder": _read_folder,
        "WriteFile": _write_file,
        "Edit": _edit,
        "ApplyPatch": _apply_patch,
        "Glob": _glob,
        "Grep": _grep,
        "Shell": _shell,
        "ShellOutput": _shell_output,
        "ShellKill": _shell_kill,
        "Git": _git,
        "WebFetch": _web_fetch,
        "Clipboard": _clipboard,
    }
)
