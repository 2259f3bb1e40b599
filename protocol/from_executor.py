"""Every message that an executor sends, one frozen struct each, and their union.

The fields without a default are the fixed contract; see docs/protocol.md for the whole.
"""

from typing import Any, Literal

import msgspec

from protocol.version import PROTOCOL_VERSION
from protocol.wire import (
    Content,
    FileChange,
    FrameLimits,
    JsonObject,
    Message,
    NonNegative,
    Part,
    Positive,
)

ToolStatus = Literal["success", "error", "denied", "timeout", "cancelled", "interrupted"]
Effect = Literal["read", "write", "execute", "network"]


class CustomTool(Part, frozen=True, omit_defaults=False):
    """A tool of the executor's own, offered to the model beside the built-in ones."""

    name: str
    """Matches `^[A-Za-z][A-Za-z0-9_-]{0,63}$` and is never a built-in's."""
    description: str = ""
    parameters: JsonObject = msgspec.field(default_factory=dict[str, Any])
    """JSON Schema of an object; no remote references."""
    effect: Effect = "execute"


class ProjectSpec(Part, frozen=True, omit_defaults=False):
    content: str = ""
    """Instructions for the model, of trusted directories only (AGENTS.md and the like)."""
    file_paths: tuple[str, ...] = ()
    """Names only, relative to the root."""


class Workspace(Part, frozen=True):
    os: str = ""
    shell: str = ""
    vcs: str = ""


class RunLimits(Part, frozen=True):
    """Only ever tighter than the maestro's own."""

    max_steps: Positive | None = None
    max_seconds: Positive | None = None
    max_tokens: Positive | None = None
    max_cost: float | None = None


class RunWishes(Part, frozen=True):
    """What the user would like of the runs that follow; absent fields keep what was said before."""

    agent: str | None = None
    model: str | None = None
    effort: str | None = None
    mode: str | None = None
    """The executor's policy mode: only told to the model."""
    plan: bool | None = None
    workflow: str | None = None
    verify: str | None = None
    limits: RunLimits | None = None


class Resume(Part, frozen=True):
    session_id: str
    last_seq: NonNegative = 0
    take_over: bool = False


class Handshake(Message, frozen=True, tag="handshake"):
    client_type: str
    initial_prompt: str
    known_tools: tuple[str, ...]
    # Of the fixed contract, so always sent: a factory's value is never left out.
    custom_tools: tuple[CustomTool, ...] = msgspec.field(default_factory=tuple[CustomTool, ...])
    project_spec: ProjectSpec = msgspec.field(default_factory=ProjectSpec)
    protocol_version: int = PROTOCOL_VERSION
    workspace: Workspace = Workspace()
    attachments: tuple[Content, ...] = ()
    run: RunWishes = RunWishes()
    journal_id: str | None = None
    limits: FrameLimits = FrameLimits()
    resume: Resume | None = None


class ToolError(Part, frozen=True):
    code: str
    message: str = ""


class ResultMetadata(Part, frozen=True):
    """Facts about a result that the maestro may count but never parses from its text."""

    exit_code: int | None = None
    signal: str | None = None
    duration_ms: NonNegative | None = None
    truncated: bool = False
    total_bytes: NonNegative | None = None
    changes: tuple[FileChange, ...] = ()
    diff: str | None = None


NO_METADATA = ResultMetadata()
"""The one default of all who pass results on: it is left out of frames by its identity."""


class ToolResult(Message, frozen=True, tag="tool_result"):
    """Sent by the executor; watchers get the same struct back, with a `seq`, results capped."""

    tool_id: str
    status: ToolStatus
    result: str
    generation_id: str
    error: ToolError | None = None
    content: tuple[Content, ...] = ()
    metadata: ResultMetadata = NO_METADATA
    truncated: bool = False
    """Set by the maestro on a copy that it had to cut for this audience."""


class ToolProgress(Message, frozen=True, tag="tool_progress"):
    tool_id: str
    state: Literal["asking", "started"]


class ToolOutputDelta(Message, frozen=True, tag="tool_output_delta"):
    tool_id: str
    index: NonNegative
    stream: Literal["stdout", "stderr"]
    content: str


class UserMessage(Message, frozen=True, tag="user_message"):
    """Sent by the executor; watchers get the same struct back, with a `seq`."""

    content: str
    attachments: tuple[Content, ...] = ()
    run: RunWishes = RunWishes()
    truncated: bool = False


class Interrupt(Message, frozen=True, tag="interrupt"):
    reason: str = ""


class ExecutorError(Message, frozen=True, tag="error"):
    """An executor's word that a frame of the maestro was malformed: logged, nothing more."""

    code: str
    message: str = ""
    field: str | None = None


FromExecutor = (
    Handshake
    | ToolResult
    | ToolProgress
    | ToolOutputDelta
    | UserMessage
    | Interrupt
    | ExecutorError
)
