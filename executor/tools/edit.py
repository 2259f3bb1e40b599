"""`Edit`: one exact replacement in a file that was read.

Everything outside the match stays byte for byte; where nothing matches, it says what comes nearest.
"""

from executor.errors import ToolFailure
from executor.tool_context import ToolContext, ToolOutcome
from executor.workspace.diff import difference
from executor.workspace.files import digest_of
from executor.workspace.numbered import counted
from executor.workspace.passage import nearest, occurrences
from executor.workspace.stale import require_seen
from executor.workspace.text import Text, Unified, decode, with_ending
from executor.workspace.waiting import in_thread
from protocol.from_executor import ResultMetadata
from protocol.tools import edit
from protocol.tools.contract import ToolContract
from protocol.wire import FileChange

_PLACES_SHOWN = 10


class EditTool:
    """Replaces one passage, or every one that is the same."""

    contract: ToolContract = edit.CONTRACT

    async def run(self, parameters: edit.Edit, context: ToolContext) -> ToolOutcome:
        return await in_thread(lambda: _edit(parameters, context))


def _edit(parameters: edit.Edit, context: ToolContext) -> ToolOutcome:
    workspace = context.workspace
    with workspace.exclusive():
        found = workspace.read(parameters.file_path)
        require_seen(workspace, found, context.reads.seen(found.shown))
        before = decode(found.content)
        if before is None:
            raise ToolFailure("binary", f"{found.shown} is a binary file: Edit works on text.")
        after, places = _replaced(before, parameters, found.shown)
        content = after.encode()
        if content == found.content:
            raise ToolFailure("no_change", "old_string and new_string are the same: no change.")
        path = workspace.write(parameters.file_path, content)
        context.reads.note(path, digest_of(content))
    change = difference(path, before.text, after.text)
    return ToolOutcome(
        f"Edited {path}: {counted(places, 'passage')} replaced, "
        f"{counted(change.added, 'line')} added, {change.removed:,} removed.",
        metadata=ResultMetadata(
            changes=(FileChange(path, "modified", change.added, change.removed),),
            diff=change.diff or None,
        ),
    )


def _replaced(before: Text, parameters: edit.Edit, path: str) -> tuple[Text, int]:
    """The text after the edit, and how many passages it changed."""
    unified = Unified(before.text)
    old = with_ending(parameters.old_string, "\n")
    starts = occurrences(unified.text, old)
    if not starts:
        raise ToolFailure("no_match", _no_match(unified.text, old, path))
    if len(starts) > 1 and not parameters.replace_all:
        raise ToolFailure("several_matches", _several(unified.text, starts, path))
    parts: list[str] = []
    done = 0
    for start in starts:
        first, last = unified.start(start), unified.end(start + len(old))
        parts += [before.text[done:first], _new(parameters.new_string, before, first, last)]
        done = last
    return before.with_text("".join((*parts, before.text[done:]))), len(starts)


def _new(text: str, before: Text, first: int, last: int) -> str:
    """`text` with the line endings of the passage that it replaces, or else of the file."""
    passage = before.text[first:last]
    ending = (Text(passage) if "\n" in passage else before).ending
    return with_ending(text, ending)


def _no_match(text: str, old: str, path: str) -> str:
    if not text:
        return f"old_string was not found: {path} is empty. Use WriteFile to fill it."
    near = nearest(text, old)
    if near is None:
        return f"old_string was not found in {path}, and nothing like it. Read the file again."
    return f"old_string was not found in {path}. {near}"


def _several(text: str, starts: list[int], path: str) -> str:
    lines = [text.count("\n", 0, start) + 1 for start in starts[:_PLACES_SHOWN]]
    more = f" and {len(starts) - len(lines):,} more" if len(starts) > len(lines) else ""
    return (
        f"old_string matches {len(starts):,} places in {path}, at lines "
        f"{', '.join(map(str, lines))}{more}. Take more lines around it, or set replace_all."
    )
