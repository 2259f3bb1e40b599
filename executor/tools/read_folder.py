"""`ReadFolder`: a bounded tree of names and sizes.

Reads no file but the ignore rules.
"""

from collections.abc import Callable, Iterator

import msgspec

from executor.tool_context import ToolContext, ToolOutcome
from executor.workspace.names import printable
from executor.workspace.resolved import shown
from executor.workspace.waiting import in_stoppable_thread
from executor.workspace.walk import Entry, Listing, Pruning
from protocol.from_executor import ResultMetadata
from protocol.tools import read_folder
from protocol.tools.contract import ToolContract

ENTRIES_MAX = 1000
_SHORTER = (100, 30, 10, 3)
"""How many names of a folder are shown, tried in this order, where all are too many."""


class ReadFolderTool:
    """Lists what a folder holds, some levels deep."""

    contract: ToolContract = read_folder.CONTRACT

    async def run(self, parameters: read_folder.ReadFolder, context: ToolContext) -> ToolOutcome:
        listing = await in_stoppable_thread(lambda stop: _listed(parameters, context, stop))
        truncated = bool(listing.cut or listing.more)
        return ToolOutcome(_tree(listing), metadata=ResultMetadata(truncated=truncated))


def _listed(
    parameters: read_folder.ReadFolder, context: ToolContext, cancelled: Callable[[], bool]
) -> Listing:
    """All of it; else so much of each folder that every folder of the first level is seen."""
    for below_max in (None, *_SHORTER):
        pruning = Pruning(parameters.depth, ENTRIES_MAX, cancelled=cancelled, below_max=below_max)
        listing = context.workspace.walk(parameters.dir_path, pruning)
        if len(listing.entries) < ENTRIES_MAX or parameters.depth == 1:
            return listing
    pruning = Pruning(1, ENTRIES_MAX, cancelled=cancelled)
    listing = context.workspace.walk(parameters.dir_path, pruning)
    cut = listing.cut or f"only the first level is shown, of more than {ENTRIES_MAX:,} entries"
    return msgspec.structs.replace(listing, cut=cut)


def _tree(listing: Listing) -> str:
    base = len(listing.base)
    rows = [f"{shown(listing.base)}/"]
    open_folders = [listing.base]
    for entry in listing.entries:
        rows += _left(listing, open_folders, entry.path[:-1])
        rows.append(_row(entry, base))
        if entry.kind == "folder":
            open_folders.append(entry.path)
    rows += _left(listing, open_folders, ())
    if listing.cut:
        rows.append(f"[the list was cut: {listing.cut}; list a folder of it, or less depth]")
    elif listing.more:
        rows.append("[too much for one list: of large folders a part; list one for the rest]")
    elif not listing.entries:
        rows.append("[the folder is empty, or git ignores all that it holds]")
    return "\n".join(rows)


def _left(
    listing: Listing, open_folders: list[tuple[str, ...]], inside: tuple[str, ...]
) -> Iterator[str]:
    """Close the folders that do not hold `inside`: a row for each that has more."""
    while open_folders and open_folders[-1] != inside[: len(open_folders[-1])]:
        folder = open_folders.pop()
        if more := listing.more.get(folder):
            yield f"{'  ' * (len(folder) - len(listing.base) + 1)}[about {more:,} more]"


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
