"""Which message may follow which, as a table that does not know which side it runs on.

Sees one connection only: sessions and runs outlive it and have their state in the ledger.

The rules:

1. Before the handshake an executor says nothing, and a maestro nothing but `error`.
2. After it the executor waits: the maestro answers `session_started`, or `error` and closes.
3. `session_started` comes once. From then on each side says what it likes, in any order.
4. What is for watchers alone is never sent to an executor, and a watcher sends nothing.
5. A refused frame changes nothing. Before `session_started` it also closes the connection.
"""

from enum import StrEnum
from typing import Final, Literal, NamedTuple

from protocol.from_executor import (
    ExecutorError,
    Handshake,
    Interrupt,
    ToolOutputDelta,
    ToolProgress,
    ToolResult,
    UserMessage,
)
from protocol.from_maestro import (
    Accepted,
    AgentMessage,
    AgentMessageDelta,
    AgentReasoningDelta,
    CancelTool,
    ErrorReported,
    PlanUpdated,
    RunFinished,
    RunTool,
    SessionStarted,
    StatusChanged,
    UsageCounted,
)
from protocol.wire import Message

Role = Literal["executor", "maestro"]


class Phase(StrEnum):
    """Where one connection stands."""

    OPENING = "opening"
    """The socket is open."""
    ATTACHING = "attaching"
    """The handshake is on its way or being answered."""
    ATTACHED = "attached"
    CLOSED = "closed"


class Rule(NamedTuple):
    """In `phase`, `sender` may send any of `messages`; the connection is then in `following`."""

    phase: Phase
    sender: Role
    messages: tuple[type[Message], ...]
    following: Phase


RULES: Final = (
    Rule(Phase.OPENING, "executor", (Handshake,), Phase.ATTACHING),
    Rule(Phase.OPENING, "maestro", (ErrorReported,), Phase.OPENING),
    Rule(Phase.ATTACHING, "maestro", (SessionStarted,), Phase.ATTACHED),
    Rule(Phase.ATTACHING, "maestro", (ErrorReported,), Phase.ATTACHING),
    Rule(Phase.ATTACHING, "executor", (ExecutorError,), Phase.ATTACHING),
    Rule(
        Phase.ATTACHED,
        "executor",
        (ToolResult, ToolProgress, ToolOutputDelta, UserMessage, Interrupt, ExecutorError),
        Phase.ATTACHED,
    ),
    Rule(
        Phase.ATTACHED,
        "maestro",
        (
            RunTool,
            CancelTool,
            Accepted,
            AgentMessageDelta,
            AgentReasoningDelta,
            AgentMessage,
            UserMessage,
            PlanUpdated,
            StatusChanged,
            UsageCounted,
            RunFinished,
            ErrorReported,
        ),
        Phase.ATTACHED,
    ),
)

_FOLLOWING: Final = {
    (rule.phase, rule.sender, message): rule.following
    for rule in RULES
    for message in rule.messages
}


def following(phase: Phase, sender: Role, message: type[Message]) -> Phase | None:
    """The phase after `sender` has sent `message` in `phase`; None: it may not."""
    return _FOLLOWING.get((phase, sender, message))


def allowed(phase: Phase, sender: Role) -> tuple[str, ...]:
    """The types that `sender` may send in `phase`."""
    return tuple(
        type_name(message)
        for rule in RULES
        if (rule.phase, rule.sender) == (phase, sender)
        for message in rule.messages
    )


def type_name(message: type[Message]) -> str:
    """The `type` of the frames that carry `message`."""
    return str(message.__struct_config__.tag)


def diagram() -> str:
    """The table as a Mermaid state diagram."""
    arrows = [
        f"{rule.phase} --> {rule.following}: {rule.sender} sends {names}"
        for rule in RULES
        for names in [", ".join(type_name(message) for message in rule.messages)]
    ]
    ends = [f"{phase} --> {Phase.CLOSED}" for phase in Phase if phase is not Phase.CLOSED]
    lines = [f"[*] --> {Phase.OPENING}", *arrows, *ends, f"{Phase.CLOSED} --> [*]"]
    return "\n".join(["stateDiagram-v2", *(f"    {line}" for line in lines)]) + "\n"
