"""`Glob`: files by name, recently changed ones first.

Opens no file but the ignore rules.
"""

from executor.errors import ToolFailure
from executor.tool_context import ToolContext, ToolOutcome
from executor.workspace.patterns import BadPattern, PathPattern, glob_patterns
from executor.workspace.resolved import shown
from executor.workspace.waiting import in_stoppable_thread
from executor.workspace.walk import Listing, Pruning
from protocol.from_executor import ResultMetadata
from protocol.tools import glob
from protocol.tools.contract import ToolContract


class GlobTool:
    """Matches every file below a folder against a pattern."""

    contract: ToolContract = glob.CONTRACT

    async def run(self, parameters: glob.Glob, context: ToolContext) -> ToolOutcome:
        patterns = _patterns(parameters.pattern, context.workspace.shown_root)
        listing = await in_stoppable_thread(
            lambda stop: context.workspace.walk(parameters.path, Pruning(cancelled=stop))
        )
        return _outcome(parameters, patterns, listing)


def _patterns(pattern: str, root: str) -> tuple[PathPattern, ...]:
    below = pattern.removeprefix(f"{root}/")
    if below.startswith("/") or ".." in below.split("/"):
        raise ToolFailure(
            "invalid_parameters",
            f"The pattern {pattern!r} leads out of the folder that is searched.",
        )
    try:
        return glob_patterns(below)
    except BadPattern as error:
        raise ToolFailure(
            "invalid_parameters", f"The pattern {pattern!r} can't be read: {error}."
        ) from error


def _outcome(
    parameters: glob.Glob, patterns: tuple[PathPattern, ...], listing: Listing
) -> ToolOutcome:
    base = len(listing.base)
    found = [
        entry
        for entry in listing.entries
        if entry.kind == "file" and any(one.matches(entry.path[base:]) for one in patterns)
    ]
    found.sort(key=lambda entry: (-entry.mtime_ns, entry.path))
    end = parameters.offset + parameters.limit
    rows = [shown(entry.path) for entry in found[parameters.offset : end]]
    if len(found) > end:
        rows.append(
            f"[{len(found) - end:,} more files match; use a narrower pattern, or offset={end}]"
        )
    elif found and not rows:
        rows.append(f"[only {len(found):,} files match]")
    if not found:
        rows.append(f"[no file matches {parameters.pattern}{_hint(parameters, listing)}]")
    if listing.cut:
        rows.append(f"[not everything was looked at: {listing.cut}]")
    truncated = len(found) > end or bool(listing.cut)
    return ToolOutcome("\n".join(rows), metadata=ResultMetadata(truncated=truncated))


def _hint(parameters: glob.Glob, listing: Listing) -> str:
    """How many files a pattern for names alone would find in the folders below."""
    if "/" in parameters.pattern:
        return "; what git ignores was not looked at"
    deeper = glob_patterns(f"**/{parameters.pattern}")
    base = len(listing.base)
    count = sum(
        entry.kind == "file" and any(one.matches(entry.path[base:]) for one in deeper)
        for entry in listing.entries
    )
    return f" here; **/{parameters.pattern} matches {count:,}" if count else ""
