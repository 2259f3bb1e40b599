"""What a view is told and asked, and the interface that every view fulfils.

Values and one protocol; the views themselves are beside this file.
"""

from collections.abc import Callable, Sequence
from typing import Literal, Protocol, runtime_checkable

import msgspec

from executor.view.copying import Through
from protocol.from_executor import ToolStatus, UserMessage
from protocol.from_maestro import (
    AgentMessage,
    AgentMessageDelta,
    AgentReasoningDelta,
    ErrorReported,
    PlanUpdated,
    RunFinished,
    SessionStarted,
    StatusChanged,
    UsageCounted,
)
from protocol.wire import FileChange, Usage


class CallStarted(msgspec.Struct, frozen=True):
    tool_id: str
    tool_name: str
    title: str
    """One line: `Shell  pytest -q`, `Edit  src/report.py`. Raw: the view makes it safe to show."""


class CallOutput(msgspec.Struct, frozen=True):
    tool_id: str
    stream: Literal["stdout", "stderr"]
    text: str


class CallFinished(msgspec.Struct, frozen=True):
    tool_id: str
    tool_name: str
    title: str
    status: ToolStatus
    seconds: float
    note: str = ""
    """Why it was denied or failed, or `exit 1`; one line."""
    changes: tuple[FileChange, ...] = ()
    diff: str | None = None


class Connection(msgspec.Struct, frozen=True):
    """The link's state; `seconds` since it was lost."""

    state: Literal["connecting", "connected", "reconnecting", "moved"]
    server: str
    seconds: float = 0.0
    why: str = ""


class Notice(msgspec.Struct, frozen=True):
    text: str
    level: Literal["info", "warning", "error"] = "info"


class Denial(msgspec.Struct, frozen=True):
    tool_name: str
    title: str
    why: str
    for_want_of_terminal: bool = False


class RunSummary(msgspec.Struct, frozen=True):
    """The end of one run, for the closing lines and for JSON."""

    session_id: str
    finished: RunFinished
    seconds: float
    usage: Usage
    changes: Sequence[FileChange] = ()
    commands: int = 0
    denials: Sequence[Denial] = ()
    text: str = ""
    """The last message of the agent."""
    model: str = ""
    undoable: int = 0
    """Files that `codegen undo` would take back."""


Shown = (
    SessionStarted
    | UserMessage
    | AgentMessageDelta
    | AgentReasoningDelta
    | AgentMessage
    | PlanUpdated
    | StatusChanged
    | UsageCounted
    | ErrorReported
    | CallStarted
    | CallOutput
    | CallFinished
    | Connection
    | Notice
    | RunSummary
)


class Question(msgspec.Struct, frozen=True):
    """One call that policy wants a human to decide on."""

    tool_id: str
    tool_name: str
    title: str
    why: str
    body: str
    """The whole of what will happen: the complete command, or the diff. Raw."""
    remember: str = ""
    """What `session` would allow from then on (`commands like "git status"`)."""
    lasting: bool = False
    """Whether `always` may be offered too: the same, in every project."""


class Approved(msgspec.Struct, frozen=True):
    scope: Literal["once", "session", "always"] = "once"


class Declined(msgspec.Struct, frozen=True):
    words: str = ""
    """What the user told the model instead."""
    unasked: bool = False
    """No human could be asked: there is no terminal."""


Answer = Approved | Declined


class View(Protocol):
    """Never blocks in `show`; `ask` is called for one question at a time and may be cancelled."""

    def show(self, shown: Shown) -> None: ...

    async def ask(self, question: Question, /) -> Answer: ...

    def close(self) -> None:
        """Leave the terminal as it was found."""
        ...


@runtime_checkable
class Copying(Protocol):
    """A view whose terminal can be handed a text for its clipboard."""

    @property
    def copy(self) -> Callable[[str, Through], bool]:
        """Takes the text; False where nothing can be written."""
        ...
