"""Ask node, where there is one outside of the project, whether a file can be parsed.

`node --check` compiles and runs nothing; what it says beyond the first error is dropped.
"""

import re

from executor.process.command import Command, Exited
from executor.process.processes import Processes
from executor.syntax.trouble import Trouble, trouble
from executor.workspace import Workspace
from executor.workspace.names import from_printable

SECONDS = 5.0
_OUTPUT_MAX = 64 * 1024
_ERROR = re.compile(r"^SyntaxError: (.*)$", re.MULTILINE)
_LINE = re.compile(r"^.*:(\d+)$", re.MULTILINE)
_OF_A_MODULE = ("outside a module", "Unexpected token 'export'", "await is only valid")
"""What older nodes say of every module whose package they were not told of."""


async def javascript_trouble(
    path: str, workspace: Workspace, processes: Processes, call: str
) -> Trouble | None:
    """The first error of the file at `path`; None where node can't tell."""
    node = processes.program("node", workspace.root)
    if node is None or from_printable(path) != path:
        return None
    with workspace.folder(".") as root:
        ended = await processes.run(
            Command(
                argv=(node, "--check", f"./{path}"),
                folder=root,
                call=call,
                timeout_s=SECONDS,
                head_bytes=_OUTPUT_MAX,
                tail_bytes=0,
            )
        )
    if ended.outcome == Exited(0):
        return Trouble()
    said = ended.output.head.decode("utf-8", "replace")
    error = _ERROR.search(said)
    if error is None or any(words in error[1] for words in _OF_A_MODULE):
        return None
    line = _LINE.search(said)
    return trouble(error[1], int(line[1]) if line is not None else None)
