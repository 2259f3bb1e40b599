"""`ReadFolder`: a bounded tree of names and sizes.

Reads no file but the ignore rules.
"""

from executor.tool_context import ToolContext, ToolOutcome
from executor.workspace.names import printable
from executor.workspace.resolved import shown
from executor.workspace.waiting import in_stoppable_thread
from executor.workspace.walk import Entry, Listing, Pruning
from protocol.from_executor import ResultMetadata
from protocol.tools import read_folder
from protocol.tools.contract import ToolContract

ENTRIES_MAX = 1000


class ReadFolderTool:
    """Lists what a folder holds, some levels deep."""

    contract: ToolContract = read_folder.CONTRACT

    async def run(self, parameters: read_folder.ReadFolder, context: ToolContext) -> ToolOutcome:
        listing = await in_stoppable_thread(
            lambda stop: context.workspace.walk(
                parameters.dir_path, Pruning(parameters.depth, ENTRIES_MAX, cancelled=stop)
            )
        )
        return ToolOutcome(_tree(listing), metadata=ResultMetadata(truncated=bool(listing.cut)))


def _tree(listing: Listing) -> str:
    top = f"{shown(listing.base)}/"
    rows = [_row(entry, len(listing.base)) for entry in listing.entries]
    if listing.cut:
        rows.append(f"[the list was cut: {listing.cut}; list a folder of it, or less depth]")
    elif not rows:
        rows.append("[the folder is empty, or git ignores all that it holds]")
    return "\n".join((top, *rows))


def _row(entry: Entry, base: int) -> str:
    indent = "  " * (len(entry.path) - base)
    name = printable(entry.path[-1])
    match entry.kind:
        case "folder":
            return f"{indent}{name}/"
        case "file":
            return f"{indent}{name}  {_size(entry.size)}"
        case "link" | "other":
            return f"{indent}{name}  ({entry.kind})"


def _size(size: int) -> str:
    amount = float(size)
    for unit in ("B", "KiB", "MiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if amount >= 10 or unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GiB"
