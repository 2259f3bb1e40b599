"""Every message that a maestro sends, to executors and to watchers, and their union.

The fields without a default are the fixed contract; see docs/protocol.md for the whole.
"""

from typing import Literal

from protocol.errors import ErrorCode
from protocol.from_executor import ToolOutputDelta, ToolProgress, ToolResult, UserMessage
from protocol.version import PROTOCOL_VERSION
from protocol.wire import (
    FrameLimits,
    JsonObject,
    Message,
    NonNegative,
    Part,
    PlanStep,
    Positive,
    Usage,
)

RunStatus = Literal["idle", "pending", "running", "waiting", "completed", "error"]
Outcome = Literal["success", "error", "interrupted"]
EndReason = Literal[
    "completed",
    "unverified",
    "failed",
    "interrupted",
    "max_steps",
    "max_seconds",
    "max_tokens",
    "max_cost",
    "loop",
    "model_error",
    "tool_protocol",
    "internal",
]


class RejectedTool(Part, frozen=True):
    name: str
    why: str


class SessionStarted(Message, frozen=True, tag="session_started"):
    session_id: str
    run_id: str
    protocol_version: int = PROTOCOL_VERSION
    resumed: bool = False
    epoch: NonNegative = 0
    limits: FrameLimits = FrameLimits()
    tools_accepted: tuple[str, ...] = ()
    tools_rejected: tuple[RejectedTool, ...] = ()


class RunTool(Message, frozen=True, tag="run_tool"):
    tool_name: str
    tool_id: str
    generation_id: str
    parameters: JsonObject


class CancelTool(Message, frozen=True, tag="cancel_tool"):
    tool_id: str


class Accepted(Message, frozen=True, tag="accepted"):
    """The ledger holds it. Exactly one of the two is set: the frame's `id`, or a result's."""

    id: str | None = None
    tool_id: str | None = None
    of_seq: Positive | None = None
    """Of a `user_message`: the row that holds it. A `run_finished` below it is an earlier run's."""


class AgentMessageDelta(Message, frozen=True, tag="agent_message_delta"):
    generation_id: str
    content: str
    index: NonNegative = 0


class AgentReasoningDelta(Message, frozen=True, tag="agent_reasoning_delta"):
    generation_id: str
    content: str
    index: NonNegative = 0


class AgentMessage(Message, frozen=True, tag="agent_message"):
    """The whole text of a generation: it replaces the deltas that were shown."""

    generation_id: str
    content: str
    truncated: bool = False


class PlanUpdated(Message, frozen=True, tag="plan_updated"):
    steps: tuple[PlanStep, ...]
    truncated: bool = False


class StatusChanged(Message, frozen=True, tag="status"):
    status: RunStatus
    progress: NonNegative = 0
    """0 to 100."""
    step: str = ""


class UsageCounted(Message, frozen=True, tag="usage"):
    generation_id: str
    input_tokens: NonNegative = 0
    cached_tokens: NonNegative = 0
    output_tokens: NonNegative = 0
    reasoning_tokens: NonNegative = 0
    cost_usd: float | None = None


class RunFinished(Message, frozen=True, tag="run_finished"):
    outcome: Outcome
    reason: EndReason
    summary: str = ""
    usage: Usage = Usage()
    truncated: bool = False


class SessionEvent(Message, frozen=True, tag="session_event"):
    """A ledger row that is no other frame, so that a watcher's numbers have no gap."""

    kind: str
    """The row's kind: `executor_attached`, `run_parked`, ..."""
    detail: str = ""
    truncated: bool = False


class ErrorReported(Message, frozen=True, tag="error"):
    code: ErrorCode
    message: str
    retryable: bool = False
    field: str | None = None
    tool_id: str | None = None
    """Named by `unknown_call`: the executor stops sending that result."""
    id: str | None = None
    """The `id` of the frame that was refused, where it had one."""
    retry_after: float | None = None
    """Seconds: with `rate_limited`, when it is of use to come back."""


FromMaestro = (
    SessionStarted
    | RunTool
    | CancelTool
    | Accepted
    | AgentMessageDelta
    | AgentReasoningDelta
    | AgentMessage
    | PlanUpdated
    | StatusChanged
    | UsageCounted
    | RunFinished
    | SessionEvent
    | ErrorReported
    | UserMessage
    | ToolResult
    | ToolProgress
    | ToolOutputDelta
)
"""The last four are the executor's own messages, as watchers see them."""
