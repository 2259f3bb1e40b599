"""A call in words: one line for a list, and the whole for a question.

Raw text from outside: making it safe to show is the view's business.
"""

import json
from typing import Any

from executor.errors import ToolFailure
from executor.patch.parse import parsed
from executor.policy.call import PlannedCall
from executor.workspace.diff import DIFF_MAX, difference
from protocol.from_maestro import RunTool
from protocol.tools.apply_patch import ApplyPatch
from protocol.tools.clipboard import Clipboard
from protocol.tools.edit import Edit, FurtherEdit
from protocol.tools.get_working_directory import GetWorkingDirectory
from protocol.tools.git import Git
from protocol.tools.glob import Glob
from protocol.tools.grep import Grep
from protocol.tools.read_file import ReadFile
from protocol.tools.read_folder import ReadFolder
from protocol.tools.shell import Shell
from protocol.tools.shell_kill import ShellKill
from protocol.tools.shell_output import ShellOutput
from protocol.tools.web_fetch import WebFetch
from protocol.tools.write_file import WriteFile

TITLE_CHARACTERS = 200
_FILES_IN_TITLE = 3
_TELLING = ("command", "file_path")


def title(call: PlannedCall) -> str:
    """`Shell pytest -q`: the tool, and what tells this call from its others."""
    return f"{call.tool_name} {_object(call.parameters)}".strip()


def title_of(message: RunTool) -> str:
    """The same of a call that was refused before it was understood."""
    given = (message.parameters.get(name) for name in _TELLING)
    told = next((value for value in given if isinstance(value, str)), "")
    return f"{message.tool_name} {shortened(told)}".strip()


def body(call: PlannedCall, before: str | None = None) -> str:
    """Everything that will happen; `before` is the text of the file that WriteFile replaces."""
    match call.parameters:
        case WriteFile(file_path=path, content=content) if before is not None:
            changed = difference(path, before, content)
            whole = f"{path} is replaced: {changed.removed} lines go, {changed.added} come"
            shown = (
                changed.diff if len(changed.diff) < DIFF_MAX else "\n".join(_marked("+", content))
            )
            return f"{whole}\n{shown}".rstrip("\n")
        case Shell(command=command, workdir=workdir) as shell:
            place = f"in {workdir}, " if workdir else ""
            return f"{command}\n({place}{_how_long(shell)})"
        case Edit(file_path=path, edits=edits):
            return "\n".join(line for one in (call.parameters, *edits) for line in _edit(path, one))
        case ApplyPatch(patch=patch):
            return patch.strip("\n")
        case WriteFile(file_path=path, content=content):
            return "\n".join((path, *_marked("+", content)))
        case WebFetch(url=url):
            return url
        case Clipboard(text=str(text)):
            return "\n".join(("it will hold", *_marked("+", text)))
        case _ if call.custom:
            return json.dumps(call.parameters, indent=2, ensure_ascii=False)
        case _:
            return _object(call.parameters)


def _how_long(shell: Shell) -> str:
    at_most = "" if shell.timeout_s is None else f"at most {shell.timeout_s} s"
    if shell.background:
        return ", ".join(filter(None, ("in the background", at_most)))
    return at_most or "in the background if it takes long"


def shortened(text: str) -> str:
    """One line that fits a list."""
    line = " ".join(text.split())
    return line if len(line) <= TITLE_CHARACTERS else f"{line[: TITLE_CHARACTERS - 1]}…"


def _object(parameters: Any) -> str:
    match parameters:
        case Shell(command=command):
            return shortened(command)
        case Git(args=args):
            return shortened(" ".join(args))
        case ReadFile(file_path=path) | Edit(file_path=path) | WriteFile(file_path=path):
            return shortened(path)
        case ApplyPatch(patch=patch):
            return shortened(_patched_files(patch))
        case ReadFolder(dir_path=path):
            return shortened(path)
        case ShellOutput(shell_id=shell_id) | ShellKill(shell_id=shell_id):
            return shortened(shell_id)
        case Glob(pattern=pattern, path=path) | Grep(pattern=pattern, path=path):
            return shortened(f"{pattern} in {path}" if path and path != "." else pattern)
        case WebFetch(url=url):
            return shortened(url)
        case Clipboard(action=action):
            return action
        case GetWorkingDirectory():
            return ""
        case _:
            return shortened(json.dumps(parameters, ensure_ascii=False, default=str))


def _patched_files(patch: str) -> str:
    try:
        paths = [section.path for section in parsed(patch)]
    except ToolFailure:
        return "a patch that can't be read"
    more = len(paths) - _FILES_IN_TITLE
    return ", ".join(paths[:_FILES_IN_TITLE]) + (f" and {more} more" if more > 0 else "")


def _edit(path: str, one: Edit | FurtherEdit) -> list[str]:
    where = f"{path}, every occurrence" if one.replace_all else path
    return [where, *_marked("-", one.old_string), *_marked("+", one.new_string)]


def _marked(mark: str, text: str) -> list[str]:
    return [f"{mark}{line}" for line in text.splitlines()]
