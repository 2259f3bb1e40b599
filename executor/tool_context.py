"""What a tool is given, and what it gives back.

The seam between `session`, which decides and journals, and `tools`, which only do.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import msgspec

from executor.clipboard.clipboard import NO_CLIPBOARD, Clipboard
from executor.process.kept import Unfinished, nothing_unfinished
from executor.process.processes import Processes
from executor.process.shells import Shells
from executor.web.pages import Pages
from executor.workspace import Workspace
from executor.workspace.staging import UNLOGGED, IntentLog
from protocol.from_executor import ResultMetadata, ToolError, ToolStatus
from protocol.tools.contract import ToolContract
from protocol.wire import Content, FileChange


class ReadLog(Protocol):
    """Which bytes of each file the model has seen, so that a stale edit is refused."""

    def note(self, path: str, digest: str) -> None: ...

    def seen(self, path: str) -> str | None: ...


OpenIntent = Callable[[str, tuple[FileChange, ...]], IntentLog]
"""Given what the model is told once the files are changed, and the changes of the metadata."""


def _unlogged(result: str, changes: tuple[FileChange, ...]) -> IntentLog:
    del result, changes
    return UNLOGGED


class ToolContext(msgspec.Struct, frozen=True):
    """The world of one call, already narrowed to what the policy allows."""

    tool_id: str
    workspace: Workspace
    processes: Processes
    reads: ReadLog
    emit: Callable[[Literal["stdout", "stderr"], str], None]
    """Live output of this call, as it comes; never blocks."""
    spill: Path
    """An existing 0700 folder outside the project for output that is too long for a result."""
    shells: Shells
    intent: OpenIntent = _unlogged
    """Where a tool of `ChangesFiles` says what it will do before it does it."""
    commit_trailer: str = ""
    """What Git adds to each commit's message, as in `Assisted-by: codegen`; nothing if empty."""
    pages: Pages = msgspec.field(default_factory=Pages)
    """Of the web, kept for the session."""
    clipboard: Clipboard = NO_CLIPBOARD
    unfinished: Unfinished = nothing_unfinished
    """Tells what to hold back of a text that goes on."""


class ToolOutcome(msgspec.Struct, frozen=True):
    """What becomes the `tool_result`: `text` is for the model, `metadata` holds facts."""

    text: str
    status: ToolStatus = "success"
    error: ToolError | None = None
    content: tuple[Content, ...] = ()
    metadata: ResultMetadata = msgspec.field(default_factory=ResultMetadata)
    before: str = ""
    """What stands right before `text` where that comes from. Not sent: shows what is a secret."""


class Tool(Protocol):
    """One built-in tool: its contract, and how this executor fulfils it.

    Cancelling the coroutine ends the work and everything that it started. Raises ToolFailure for
    what the model can mend; whatever else escapes is reported as an internal error.
    """

    @property
    def contract(self) -> ToolContract: ...

    async def run(self, parameters: Any, context: ToolContext) -> ToolOutcome:
        """`parameters` is an instance of `contract.parameters`."""
        ...


@runtime_checkable
class Prechecked(Protocol):
    """A tool that can tell beforehand that a call would come to nothing.

    Nobody is then asked about such a call.
    """

    async def check(self, parameters: Any, context: ToolContext) -> None:
        """Raise the ToolFailure in which `run` would end as things stand; change nothing.

        Called before the user is asked. `run` checks again: the answer may take its time.
        """
        ...


@runtime_checkable
class ChangesFiles(Protocol):
    """A tool whose whole effect is what it commits to the workspace under `context.intent`.

    Killed in between, it is brought to an end by the next process, which answers the truth.
    """

    @property
    def logs_intent(self) -> Literal[True]: ...
