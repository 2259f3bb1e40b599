"""Finish the file changes that a process left half-way, and say what became of each call.

Once for each, before anything else of the session can change a file.
"""

from pathlib import Path
from typing import assert_never

from executor.errors import JournalError, ToolFailure
from executor.journal import FileIntents, FilesSettled, Unfinished, unsettled
from executor.session.results import unsuccessful
from executor.tool_context import ToolOutcome
from executor.workspace.recovery import Done, Partly, Settled, Unchanged, settle
from executor.workspace.waiting import in_thread
from protocol.from_executor import ResultMetadata

_UNCHANGED = (
    "Interrupted by a restart of this program before anything was changed: all files are as they "
    "were. Make the call again if it is still wanted."
)


class Settling:
    def __init__(self, root: Path, intents: FileIntents) -> None:
        self._root = root
        self._intents = intents
        self._outcomes: dict[str, ToolOutcome] = {}

    async def settle_all(self) -> None:
        for tool_id, unfinished in self._intents.unfinished.items():
            self._outcomes[tool_id] = await in_thread(lambda one=unfinished: self._settled(one))

    def outcome(self, tool_id: str) -> ToolOutcome:
        """Of a call that only changes files, and that started in an earlier process."""
        return self._outcomes.get(tool_id) or unsuccessful("error", "unchanged", _UNCHANGED)

    def _settled(self, one: Unfinished) -> ToolOutcome:
        try:
            settled = (
                settle(self._root, one.staged.files, decided=one.decided)
                if one.settled is None
                else _by_another(one.settled)
            )
        except (OSError, ToolFailure) as error:
            words = (
                f"Interrupted by a restart; whether its files were changed can't be told: {error}"
            )
            return unsuccessful("interrupted", "interrupted", words)
        return _outcome(one, settled)


def settle_strays(state: Path, root: Path) -> list[str]:
    """Bring to an end what killed sessions of the project left half-way and nobody resumed.

    Blocks. Returns a line for each that could not be.
    """
    troubles: list[str] = []
    for journal in unsettled(state, str(root)):
        for tool_id, one in journal.intents.unfinished.items():
            if one.settled is not None:
                continue
            try:
                settled = settle(root, one.staged.files, decided=one.decided)
                journal.intents.settled(_noted(tool_id, settled))
            except (OSError, ToolFailure, JournalError) as error:
                troubles.append(f"changes of a killed codegen are left half-way: {error}")
    return troubles


def _noted(tool_id: str, settled: Settled) -> FilesSettled:
    match settled:
        case Done():
            return FilesSettled(tool_id, "done")
        case Unchanged():
            return FilesSettled(tool_id, "unchanged")
        case Partly(done=done, left=left):
            return FilesSettled(tool_id, "partly", done, left)
        case _:
            assert_never(settled)


def _by_another(noted: FilesSettled) -> Settled:
    match noted.outcome:
        case "done":
            return Done()
        case "unchanged":
            return Unchanged()
        case "partly":
            return Partly(noted.done, noted.left)
        case _:
            assert_never(noted.outcome)


def _outcome(one: Unfinished, settled: Settled) -> ToolOutcome:
    match settled:
        case Done():
            words = f"{one.staged.result}\n[A restart of this program came in between; it is done.]"
            return ToolOutcome(words, metadata=ResultMetadata(changes=one.staged.changes))
        case Unchanged():
            return unsuccessful("error", "unchanged", _UNCHANGED)
        case Partly(done=done, left=left):
            words = (
                "Interrupted by a restart of this program, and somebody else changed files "
                f"meanwhile. Changed as asked: {', '.join(done)}. Left as they are: "
                f"{', '.join(left)}. Read those before you go on."
            )
            return unsuccessful("error", "partly", words)
        case _:
            assert_never(settled)
