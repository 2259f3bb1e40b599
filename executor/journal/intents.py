"""What calls that change files are about to do, in the journal before they do it.

Keeps what an earlier process left unfinished; finishing it is the session's business.
"""

from collections.abc import Callable

import msgspec

from executor.journal.records import AnyRecord, FilesDecided, FilesSettled, FilesStaged
from executor.journal.state import JournalState
from executor.workspace.staging import Staged
from protocol.wire import FileChange

Write = Callable[[AnyRecord, bool], None]
"""Add a record, and say whether it must be on disk; raises JournalError."""


class Unfinished(msgspec.Struct, frozen=True):
    """What a process that is gone had begun to change."""

    staged: FilesStaged
    decided: bool
    settled: FilesSettled | None = None
    """What another process has made of it since."""


class FileIntents:
    """The intents of one session's calls."""

    def __init__(self, state: JournalState, write: Write) -> None:
        self._state = state
        self._write = write
        self.unfinished = {
            tool_id: Unfinished(staged, tool_id in state.decided, state.settled.get(tool_id))
            for tool_id, staged in state.staged.items()
        }
        """By tool_id, as it was when the journal was opened."""

    def log(self, tool_id: str, result: str, changes: tuple[FileChange, ...]) -> "_CallLog":
        """The log of one set of changes; `result` and `changes` are told once it is done."""
        return _CallLog(self._noted, tool_id, result, changes)

    def settled(self, record: FilesSettled) -> None:
        """Note what became of one that was unfinished. Raises JournalError."""
        self._write(record, True)
        self._state.apply(record)

    def _noted(self, record: FilesStaged | FilesDecided) -> None:
        # What was staged need not be on disk: undecided, nothing has changed. What is decided
        # takes all before it along, the start of the call too.
        self._write(record, isinstance(record, FilesDecided))
        self._state.apply(record)


class _CallLog:
    """An `IntentLog` of the workspace."""

    def __init__(
        self,
        note: Callable[[FilesStaged | FilesDecided], None],
        tool_id: str,
        result: str,
        changes: tuple[FileChange, ...],
    ) -> None:
        self._note = note
        self._tool_id = tool_id
        self._result = result
        self._changes = changes

    def stage(self, staged: tuple[Staged, ...]) -> None:
        self._note(FilesStaged(self._tool_id, staged, self._result, self._changes))

    def decide(self) -> None:
        self._note(FilesDecided(self._tool_id))
