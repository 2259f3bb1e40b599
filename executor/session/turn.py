"""One run as this side sees it: what was changed, run and denied, and what it took.

Counts; decides nothing.
"""

import time

from executor.view.port import Denial, RunSummary
from protocol.from_executor import ToolResult
from protocol.from_maestro import RunFinished
from protocol.wire import FileChange


class Turn:
    """Filled while the run goes on, from the moment at which it is made."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._changes: dict[str, FileChange] = {}
        self._denials: list[Denial] = []
        self.commands = 0
        self.text = ""
        """The last message of the agent."""

    def count(self, result: ToolResult) -> None:
        for change in result.metadata.changes:
            earlier = self._changes.get(change.path)
            if earlier is not None and (earlier.kind, change.kind) == ("created", "deleted"):
                del self._changes[change.path]
            else:
                self._changes[change.path] = change if earlier is None else _joined(earlier, change)

    def deny(self, denial: Denial) -> None:
        self._denials.append(denial)

    def summary(
        self, session_id: str, model: str, finished: RunFinished, undoable: int
    ) -> RunSummary:
        return RunSummary(
            session_id=session_id,
            finished=finished,
            seconds=time.monotonic() - self._began,
            usage=finished.usage,
            changes=tuple(self._changes.values()),
            commands=self.commands,
            denials=tuple(self._denials),
            text=self.text,
            model=model,
            undoable=undoable,
        )


def _joined(earlier: FileChange, later: FileChange) -> FileChange:
    kind = later.kind
    if earlier.kind == "created" and later.kind == "modified":
        kind = "created"
    elif earlier.kind == "deleted" and later.kind == "created":
        kind = "modified"
    return FileChange(
        path=later.path,
        kind=kind,
        added=earlier.added + later.added,
        removed=earlier.removed + later.removed,
    )
