"""What a view is told and asked, and the interface that every view fulfils.

Values and one protocol; the views themselves are beside this file.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

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


@dataclass(frozen=True, slots=True)
class CallStarted:
    tool_id: str
    tool_name: str
    title: str
    """One line: `Shell  pytest -q`, `Edit  src/report.py`. Raw: the view makes it safe to show."""


@dataclass(frozen=True, slots=True)
class CallOutput:
    tool_id: str
    stream: Literal["stdout", "stderr"]
    text: str


@dataclass(frozen=True, slots=True)
class CallFinished:
    tool_id: str
    tool_name: str
    title: str
    status: ToolStatus
    seconds: float
    note: str = ""
    """Why it was denied or failed, or `exit 1`; one line."""
    changes: tuple[FileChange, ...] = ()
    diff: str | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """The link's state; `seconds` since it was lost."""

    state: Literal["connecting", "connected", "reconnecting", "moved"]
    server: str
    seconds: float = 0.0
    why: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    text: str
    level: Literal["info", "warning", "error"] = "info"


@dataclass(frozen=True, slots=True)
class Denial:
    tool_name: str
    title: str
    why: str
    for_want_of_terminal: bool = False


@dataclass(frozen=True, slots=True)
class RunSummary:
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


@dataclass(frozen=True, slots=True)
class Question:
    """One call that policy wants a human to decide on."""

    tool_id: str
    tool_name: str
    title: str
    why: str
    body: str
    """The whole of what will happen: the complete command, or the diff. Raw."""
    remember: str = ""
    """What `session` and `always` would allow from then on (`commands like "git status"`)."""


@dataclass(frozen=True, slots=True)
class Approved:
    scope: Literal["once", "session", "always"] = "once"


@dataclass(frozen=True, slots=True)
class Declined:
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
