"""`ShellOutput`: what a command has written, part by part, and whether it runs.

Reads what is kept of it; the patterns are tried by a program of their own.
"""

import msgspec

from executor.process.kept import Part, part, whole_words
from executor.process.matches import Search, matched, matching_lines
from executor.process.report import ending, left_behind, metadata, part_text, with_facts
from executor.process.shells import KeptShell
from executor.tool_context import ToolContext, ToolOutcome
from protocol.from_executor import ResultMetadata
from protocol.tools import shell_output
from protocol.tools.contract import ToolContract

PART_MAX = 32 * 1024
"""Bytes of one part."""
BEFORE_MAX = 16 * 1024
"""Bytes before a part, by which a secret that goes on in it is known: a key block's."""

_NOT_IN_A_FILE = "nothing could be looked for: its output is in no file"
_HELD_BACK = (
    "it has written nothing at all: without a pty some programs hold back what they write until "
    "it is much"
)


class _Reading(msgspec.Struct, frozen=True):
    """What is shown, and where the next reading begins."""

    text: str
    cursor: int
    facts: tuple[str, ...]
    before: str = ""
    """What stands right before the text, for whoever looks for secrets."""


class ShellOutputTool:
    """Waits first where it is asked to, then reads."""

    contract: ToolContract = shell_output.CONTRACT

    async def run(self, parameters: shell_output.ShellOutput, context: ToolContext) -> ToolOutcome:
        shell = context.shells.find(parameters.shell_id)
        start = shell.cursor if parameters.cursor is None else parameters.cursor
        waited: list[str] = []
        if parameters.wait_for is not None:
            waited = await _waited(parameters, parameters.wait_for, start, shell, context)
        elif parameters.timeout_s:
            await shell.wait(parameters.timeout_s)
        if parameters.filter is None:
            reading = _part(shell, start, context)
        else:
            reading = await _filtered(shell, start, parameters.filter, context)
        shell.cursor = reading.cursor
        text = with_facts(reading.text, *_state(shell), *waited, *reading.facts)
        return ToolOutcome(text, metadata=_metadata(shell, reading), before=reading.before)


async def _waited(
    parameters: shell_output.ShellOutput,
    pattern: str,
    start: int,
    shell: KeptShell,
    context: ToolContext,
) -> list[str]:
    """Wait for a line; what is to be told of it."""
    seconds = parameters.timeout_s
    if seconds is None:
        seconds = shell_output.WAIT_FOR_S
    with context.workspace.folder(".") as folder:
        search = _search(shell, pattern, start, folder, context)
        if search is None:
            return [_NOT_IN_A_FILE]
        found = await matched(context.processes, search, max(seconds, 0.1), shell.over)
    if found:
        return []
    silent = shell.ended is None and not shell.output.total_bytes and not shell.terminal
    return [f"no line matches {pattern!r}", *([_HELD_BACK] if silent else [])]


async def _filtered(shell: KeptShell, start: int, pattern: str, context: ToolContext) -> _Reading:
    with context.workspace.folder(".") as folder:
        search = _search(shell, pattern, start, folder, context)
        if search is None:
            return _Reading("", start, (_NOT_IN_A_FILE,))
        output = shell.output
        end = min(output.total_bytes, search.path.stat().st_size)
        lines = await matching_lines(context.processes, search, end)
    facts = [f"lines that match {pattern!r} in {_span(start, lines.cursor)}"]
    if lines.cursor < end:
        facts.append(f"cursor {lines.cursor} reads on")
    elif end < output.total_bytes:
        facts.append(f"only the first {end:,} bytes can be filtered")
    text = part_text(lines.content, terminal=shell.terminal)
    first = part(output, start, len(lines.content)).content.partition(b"\n")[0]
    # The first line may have begun before; any other is whole.
    before = _before(shell, start) if first and lines.content.startswith(first) else ""
    return _Reading(text, lines.cursor, tuple(facts), before)


def _part(shell: KeptShell, start: int, context: ToolContext) -> _Reading:
    output = shell.output
    found = part(output, start, PART_MAX)
    held = 0
    full = len(found.content) == PART_MAX
    if full or shell.ended is None:
        end = whole_words(found.content, full=full, unfinished=context.unfinished)
        shown = found.content[:end]
        held = 0 if full else len(found.content) - len(shown)
        found = Part(found.start, shown)
    facts = [_span(found.start, found.end)]
    if found.start > start:
        facts.append(f"{found.start - start:,} bytes before are no longer kept")
    if found.end < output.total_bytes:
        facts.append(f"of {output.total_bytes:,} so far: cursor {found.end} reads on")
    if held:
        facts.append(f"an unfinished word of {held:,} bytes waits for its end")
    text = part_text(found.content, terminal=shell.terminal)
    before = _before(shell, found.start) if found.content else ""
    return _Reading(text, found.end, tuple(facts), before)


def _before(shell: KeptShell, start: int) -> str:
    """What is kept of the bytes right before `start`."""
    begin = max(0, start - BEFORE_MAX)
    found = part(shell.output, begin, start - begin)
    return part_text(found.content, terminal=shell.terminal) if found.end == start else ""


def _search(
    shell: KeptShell, pattern: str, start: int, folder: int, context: ToolContext
) -> Search | None:
    """None where nothing could be kept for it."""
    path = shell.output.spill
    if path is None or not path.exists():
        return None
    return Search(pattern, path, start, folder, context.tool_id)


def _span(start: int, end: int) -> str:
    return f"bytes {start} to {end}" if end > start else "nothing new"


def _state(shell: KeptShell) -> list[str]:
    ended = shell.ended
    if ended is None:
        return [f"{shell.shell_id} runs since {shell.running.seconds:.0f} s"]
    how = f"{shell.shell_id}: {ending(ended.outcome)} after {ended.duration_ms / 1000:.1f} s"
    return [how, *left_behind(ended)]


def _metadata(shell: KeptShell, reading: _Reading) -> ResultMetadata:
    total = shell.output.total_bytes
    truncated = reading.cursor < total
    if shell.ended is None:
        return ResultMetadata(truncated=truncated, total_bytes=total)
    return msgspec.structs.replace(metadata(shell.ended), truncated=truncated)
