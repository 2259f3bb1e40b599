"""`WriteFile`: create a file or replace the whole of one.

Keeps what the model can't see of an existing file: mode, encoding, line endings.
"""

from typing import Literal

import msgspec

from executor.errors import ToolFailure
from executor.syntax import Written, syntax_note
from executor.tool_context import ToolContext, ToolOutcome
from executor.workspace import FileBytes
from executor.workspace.change import change_of
from executor.workspace.encodings import SINGLE_BYTE
from executor.workspace.files import MISSING, digest_of
from executor.workspace.numbered import counted
from executor.workspace.staging import Change
from executor.workspace.stale import require_seen
from executor.workspace.text import Text, decode, line_count, with_ending
from executor.workspace.waiting import in_thread
from protocol.from_executor import ResultMetadata
from protocol.tools import write_file
from protocol.tools.contract import ToolContract


class WriteFileTool:
    """Replaces only a file that was read and has not changed since."""

    contract: ToolContract = write_file.CONTRACT
    logs_intent: Literal[True] = True

    async def check(self, parameters: write_file.WriteFile, context: ToolContext) -> None:
        """Raise the failure that `run` would end in as things stand."""
        await in_thread(lambda: _planned(parameters, context))

    async def run(self, parameters: write_file.WriteFile, context: ToolContext) -> ToolOutcome:
        path, plan, text, metadata = await in_thread(lambda: _write(parameters, context))
        note = await syntax_note(
            Written(path, plan.before, plan.after),
            context.workspace,
            context.processes,
            context.tool_id,
        )
        return ToolOutcome(f"{text}{note}", metadata=metadata)


class _Plan(msgspec.Struct, frozen=True):
    found: FileBytes | None
    before: Text | None
    """None where there was no file, or no text in it."""
    after: Text
    content: bytes


def _planned(parameters: write_file.WriteFile, context: ToolContext) -> _Plan:
    """What would be written; raises ToolFailure for what can't be."""
    workspace = context.workspace
    found = workspace.read_if_exists(parameters.file_path)
    if found is not None:
        require_seen(workspace, found, context.reads.seen(found.shown))
    workspace.require_writable(parameters.file_path)
    before = decode(found.content) if found is not None else None
    like = before or Text("")
    after = _encodable(_like(like, parameters.content, is_new=not like.text))
    return _Plan(found, before, after, after.encode())


def _write(
    parameters: write_file.WriteFile, context: ToolContext
) -> tuple[str, _Plan, str, ResultMetadata]:
    workspace = context.workspace
    with workspace.exclusive():
        plan = _planned(parameters, context)
        path = workspace.require_writable(parameters.file_path)
        metadata = change_of(path, plan.before, plan.after, created=plan.found is None)
        text = _words(path, plan)
        expected = MISSING if plan.found is None else plan.found.stamp
        before = None if plan.found is None else plan.found.content
        change = Change(parameters.file_path, plan.content, expected, before)
        workspace.commit((change,), context.intent(text, metadata.changes))
        context.reads.note(path, digest_of(plan.content))
    return path, plan, text, metadata


def _like(before: Text, content: str, *, is_new: bool) -> Text:
    """`content` in the encoding and with the line endings of `before`, the last one included."""
    bare = content.removeprefix("\ufeff") if before.bom else content
    if is_new:
        return before.with_text(bare)
    text = with_ending(bare, before.ending)
    if text and before.text.endswith(before.ending) and not text.endswith(before.ending):
        text += before.ending
    return before.with_text(text)


def _encodable(text: Text) -> Text:
    """As the file was, or as UTF-8 where its single-byte encoding lacks a character."""
    try:
        text.encode()
    except ToolFailure:
        if text.codec not in SINGLE_BYTE:
            raise
        return Text(text.text)
    return text


def _words(path: str, plan: _Plan) -> str:
    lines = counted(line_count(plan.after.text), "line")
    if plan.found is None:
        return f"Created {path}: {lines}."
    if plan.content == plan.found.content:
        return f"{path} held just that already: {lines}."
    held = "binary data" if plan.before is None else counted(line_count(plan.before.text), "line")
    words = f"Replaced {path}: {lines} in place of {held}."
    if plan.before is not None and plan.before.codec != plan.after.codec:
        words += " Its encoding lacks some of the characters: it is UTF-8 from here on."
    if plan.after.peculiarities:
        words += f" Kept: {plan.after.peculiarities}."
    return words
