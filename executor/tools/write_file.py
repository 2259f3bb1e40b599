"""`WriteFile`: create a file or replace the whole of one.

Keeps what the model can't see of an existing file: mode, encoding, line endings.
"""

from executor.errors import ToolFailure
from executor.tool_context import ToolContext, ToolOutcome
from executor.workspace import FileBytes
from executor.workspace.diff import difference
from executor.workspace.files import digest_of
from executor.workspace.numbered import counted
from executor.workspace.stale import require_seen
from executor.workspace.text import Text, decode, line_count, with_ending
from executor.workspace.waiting import in_thread
from protocol.from_executor import ResultMetadata
from protocol.tools import write_file
from protocol.tools.contract import ToolContract
from protocol.wire import FileChange


class WriteFileTool:
    """Replaces only a file that was read and has not changed since."""

    contract: ToolContract = write_file.CONTRACT

    async def run(self, parameters: write_file.WriteFile, context: ToolContext) -> ToolOutcome:
        return await in_thread(lambda: _write(parameters, context))


def _write(parameters: write_file.WriteFile, context: ToolContext) -> ToolOutcome:
    workspace = context.workspace
    with workspace.exclusive():
        found = workspace.read_if_exists(parameters.file_path)
        if found is not None:
            require_seen(workspace, found, context.reads.seen(found.shown))
        before = decode(found.content) if found is not None else Text("")
        text = _like(before or Text(""), parameters.content, is_new=not (before and before.text))
        content = _encoded(text)
        path = workspace.write(parameters.file_path, content)
        context.reads.note(path, digest_of(content))
    return _outcome(path, found, before, text)


def _like(before: Text, content: str, *, is_new: bool) -> Text:
    """`content` in the encoding and with the line endings of `before`."""
    bare = content.removeprefix("\ufeff") if before.bom else content
    return before.with_text(bare if is_new else with_ending(bare, before.ending))


def _encoded(text: Text) -> bytes:
    """As the file was, or as UTF-8 where its single-byte encoding lacks a character."""
    try:
        return text.encode()
    except ToolFailure:
        if text.codec != "latin-1":
            raise
        return Text(text.text).encode()


def _outcome(path: str, found: FileBytes | None, before: Text | None, after: Text) -> ToolOutcome:
    lines = counted(line_count(after.text), "line")
    if found is None:
        kind, words = "created", f"Created {path}: {lines}."
    else:
        held = counted(line_count(before.text), "line") if before is not None else "binary data"
        kind, words = "modified", f"Replaced {path}: {lines} where there was {held}."
    if after.peculiarities:
        words += f" Kept: {after.peculiarities}."
    change = difference(path, before.text if before is not None else "", after.text)
    return ToolOutcome(
        words,
        metadata=ResultMetadata(
            changes=(FileChange(path, kind, change.added, change.removed),),
            diff=change.diff or None,
        ),
    )
