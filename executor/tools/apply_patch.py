"""`ApplyPatch`: changes of several files, all of them or none.

Context lines stand for having read a file; one that was read must not have changed since.
"""

from typing import Literal

from executor.patch.parse import parsed
from executor.patch.plan import Planned, planned
from executor.syntax import Written, syntax_note
from executor.tool_context import ToolContext, ToolOutcome
from executor.workspace.diff import DIFF_MAX, difference
from executor.workspace.files import digest_of
from executor.workspace.numbered import counted
from executor.workspace.waiting import in_thread
from protocol.from_executor import ResultMetadata
from protocol.tools import apply_patch
from protocol.tools.contract import ToolContract
from protocol.wire import FileChange

CHECKED_MAX = 20
"""Files of one patch that parsers look at."""
_NOTES_MAX = 10


class ApplyPatchTool:
    """Plans the whole patch before it stages it, and stages all of it before it changes a file."""

    contract: ToolContract = apply_patch.CONTRACT
    logs_intent: Literal[True] = True

    async def check(self, parameters: apply_patch.ApplyPatch, context: ToolContext) -> None:
        """Raise the failure that `run` would end in as things stand."""
        await in_thread(lambda: _planned(parameters, context))

    async def run(self, parameters: apply_patch.ApplyPatch, context: ToolContext) -> ToolOutcome:
        plans, text, metadata = await in_thread(lambda: _applied(parameters, context))
        for plan in plans[:CHECKED_MAX]:
            if plan.after is not None:
                note = await syntax_note(
                    Written(plan.path, plan.before, plan.after),
                    context.workspace,
                    context.processes,
                    context.tool_id,
                )
                text += f"\n{plan.path}: {note.strip()}" if note else ""
        return ToolOutcome(text, metadata=metadata)


def _planned(parameters: apply_patch.ApplyPatch, context: ToolContext) -> list[Planned]:
    return planned(parsed(parameters.patch), context.workspace, context.reads.seen)


def _applied(
    parameters: apply_patch.ApplyPatch, context: ToolContext
) -> tuple[list[Planned], str, ResultMetadata]:
    with context.workspace.exclusive():
        plans = _planned(parameters, context)
        metadata = _metadata(plans)
        text = _words(plans, metadata.changes)
        changes = [change for plan in plans for change in plan.changes]
        context.workspace.commit(changes, context.intent(text, metadata.changes))
        for plan in plans:
            if plan.content is not None and plan.known:
                context.reads.note(plan.path, digest_of(plan.content))
    return plans, text, metadata


def _metadata(plans: list[Planned]) -> ResultMetadata:
    changes: list[FileChange] = []
    diffs: list[str] = []
    left = DIFF_MAX
    for plan in plans:
        old = plan.before.text if plan.before is not None else ""
        new = plan.after.text if plan.after is not None else ""
        made = difference(plan.source, old, new)
        changes.append(FileChange(plan.path, plan.kind, made.added, made.removed))
        target = "/dev/null" if plan.kind == "deleted" else plan.path
        diff = made.diff.replace(f"\n+++ {plan.source}\n", f"\n+++ {target}\n", 1)
        if len(diff) > left:
            diff = f"[the diff of {plan.path} is left out]\n"
        diffs.append(diff)
        left -= len(diff)
    return ResultMetadata(changes=tuple(changes), diff="".join(diffs) or None)


def _words(plans: list[Planned], changes: tuple[FileChange, ...]) -> str:
    lines = [f"Applied the patch to {counted(len(plans), 'file')}:"]
    for plan, change in zip(plans, changes, strict=True):
        figures = f": {counted(change.added, 'line')} added, {change.removed:,} removed"
        if plan.kind == "moved":
            unchanged = not (change.added or change.removed)
            lines.append(f"moved {plan.source} to {plan.path}{'' if unchanged else figures}")
        else:
            lines.append(f"{plan.kind} {plan.path}{figures}")
    notes = [note for plan in plans for note in plan.notes]
    if notes:
        lines.append(
            f"Only one place fits, though not to the letter: {'; '.join(notes[:_NOTES_MAX])}"
        )
    return "\n".join(lines)
