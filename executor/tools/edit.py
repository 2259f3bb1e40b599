"""`Edit`: one or several exact replacements in a file that was read.

Everything outside the matches stays byte for byte; where nothing matches, it says what comes
nearest.
"""

from typing import Literal

import msgspec

from executor.errors import ToolFailure
from executor.syntax import Written, syntax_note
from executor.tool_context import ToolContext, ToolOutcome
from executor.workspace import FileBytes
from executor.workspace.change import change_of
from executor.workspace.files import digest_of
from executor.workspace.numbered import counted
from executor.workspace.replacement import Replacement, replaced
from executor.workspace.staging import Change
from executor.workspace.stale import require_seen
from executor.workspace.text import Text, decode
from executor.workspace.waiting import in_thread
from protocol.from_executor import ResultMetadata
from protocol.tools import edit
from protocol.tools.contract import ToolContract


class EditTool:
    """Replaces one passage, every one that is the same, or several passages at once."""

    contract: ToolContract = edit.CONTRACT
    logs_intent: Literal[True] = True

    async def check(self, parameters: edit.Edit, context: ToolContext) -> None:
        """Raise the failure that `run` would end in as things stand."""
        await in_thread(lambda: _planned(parameters, context))

    async def run(self, parameters: edit.Edit, context: ToolContext) -> ToolOutcome:
        path, plan, text, metadata = await in_thread(lambda: _edit(parameters, context))
        note = await syntax_note(
            Written(path, plan.before, plan.after),
            context.workspace,
            context.processes,
            context.tool_id,
        )
        return ToolOutcome(f"{text}{note}", metadata=metadata)


class _Plan(msgspec.Struct, frozen=True):
    found: FileBytes
    before: Text
    after: Text
    content: bytes
    places: int


def _planned(parameters: edit.Edit, context: ToolContext) -> _Plan:
    """What the edit would make of the file as it is; raises ToolFailure for what can't be done."""
    workspace = context.workspace
    found = workspace.read(parameters.file_path)
    require_seen(workspace, found, context.reads.seen(found.shown))
    before = decode(found.content)
    if before is None:
        raise ToolFailure("binary", f"{found.shown} is a binary file: Edit works on text.")
    replacements = [
        Replacement(one.old_string, one.new_string, one.replace_all)
        for one in (parameters, *parameters.edits)
    ]
    after, places = replaced(before, replacements, found.shown)
    content = after.encode()
    if content == found.content:
        raise ToolFailure("no_change", "The edits undo one another: no change.")
    workspace.require_writable(parameters.file_path)
    return _Plan(found, before, after, content, places)


def _edit(parameters: edit.Edit, context: ToolContext) -> tuple[str, _Plan, str, ResultMetadata]:
    with context.workspace.exclusive():
        plan = _planned(parameters, context)
        found, path = plan.found, plan.found.shown
        metadata = change_of(path, plan.before, plan.after, created=False)
        (change,) = metadata.changes
        text = (
            f"Edited {path}: {counted(plan.places, 'passage')} replaced, "
            f"{counted(change.added, 'line')} added, {change.removed:,} removed."
        )
        changed = Change(parameters.file_path, plan.content, found.stamp, found.content)
        context.workspace.commit((changed,), context.intent(text, metadata.changes))
        context.reads.note(path, digest_of(plan.content))
    return path, plan, text, metadata
