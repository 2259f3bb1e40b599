"""What a change to one text file is in figures and as a diff, for the metadata of a result.

Compares texts that are there already; reads and writes nothing.
"""

from executor.workspace.diff import difference
from executor.workspace.text import Text
from protocol.from_executor import ResultMetadata
from protocol.wire import FileChange


def change_of(path: str, before: Text | None, after: Text, *, created: bool) -> ResultMetadata:
    """`before` is None for a file that was created, or that held no text."""
    old = before.text if before is not None else ""
    new = after.text
    if after.ending == "\r" and (before is None or before.ending == "\r"):
        old, new = old.replace("\r", "\n"), new.replace("\r", "\n")
    change = difference(path, old, new)
    kind = "created" if created else "modified"
    return ResultMetadata(
        changes=(FileChange(path, kind, change.added, change.removed),), diff=change.diff or None
    )
