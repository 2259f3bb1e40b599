"""`ReadFile`: the lines of a text file, numbered.

Tells binary files by kind, size and hash; finding the place is `Grep`'s work.
"""

from executor.tool_context import ToolContext, ToolOutcome
from executor.workspace import FileBytes
from executor.workspace.kinds import binary_kind
from executor.workspace.numbered import counted, cut_line
from executor.workspace.text import Text, decode, lines_of
from executor.workspace.waiting import in_thread
from protocol.from_executor import ResultMetadata
from protocol.tools import read_file
from protocol.tools.contract import ToolContract

RESULT_MAX = 100_000
"""Characters of one result; where it is reached, the rest is for another call."""


class ReadFileTool:
    """Reads a file whole, notes its digest, and returns the lines that were asked for."""

    contract: ToolContract = read_file.CONTRACT

    async def run(self, parameters: read_file.ReadFile, context: ToolContext) -> ToolOutcome:
        found = await in_thread(lambda: context.workspace.read(parameters.file_path))
        context.reads.note(found.shown, found.digest)
        text = decode(found.content)
        if text is None:
            return ToolOutcome(_binary(found), metadata=_metadata(found, truncated=False))
        shown, truncated = _lines(text, parameters.offset, parameters.limit)
        return ToolOutcome(shown, metadata=_metadata(found, truncated=truncated))


def _binary(found: FileBytes) -> str:
    return (
        f"[{found.shown} is a binary file: {binary_kind(found.content)}, "
        f"{len(found.content):,} bytes, SHA-256 {found.digest}]"
    )


def _metadata(found: FileBytes, *, truncated: bool) -> ResultMetadata:
    return ResultMetadata(truncated=truncated, total_bytes=len(found.content))


def _lines(text: Text, offset: int, limit: int) -> tuple[str, bool]:
    """The numbered lines with a note at the end where one is needed; whether some are missing."""
    lines = lines_of(text.text)
    if not lines:
        return "[the file is empty]", False
    if offset > len(lines):
        return (
            f"[the file has {counted(len(lines), 'line')}: offset {offset:,} is past its end]",
            False,
        )
    shown: list[str] = []
    room = RESULT_MAX
    for number, line in enumerate(lines[offset - 1 : offset - 1 + limit], start=offset):
        row = f"{number:>6}\t{cut_line(line)}"
        room -= len(row) + 1
        if room < 0 and shown:
            break
        shown.append(row)
    last = offset - 1 + len(shown)
    notes = [text.peculiarities] if text.peculiarities else []
    if last < len(lines):
        notes.append(f"lines {offset:,} to {last:,} of {len(lines):,}; offset {last + 1} goes on")
    elif not text.text.endswith("\n"):
        notes.append("no line ending at the end")
    if notes:
        shown.append(f"[{'; '.join(notes)}]")
    return "\n".join(shown), last < len(lines)
