"""What a session is made of, put together by the composition root.

Types only; the parts live in their own rooms.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Literal, Protocol

import msgspec

from executor.audit import AuditLog
from executor.journal import Journal
from executor.link import Link
from executor.policy.call import PlannedCall
from executor.policy.verdict import Ask, Verdict
from executor.process.git_foretelling import GitCommand
from executor.process.shells import Shells
from executor.redaction import Redactor
from executor.tool_context import Tool, ToolContext, ToolOutcome
from executor.view.port import View
from executor.workspace import Workspace
from protocol.from_executor import CustomTool
from protocol.wire import JsonObject

Emit = Callable[[Literal["stdout", "stderr"], str], None]


class CustomToolRunner(Protocol):
    """A tool of this executor's own. Held to the same as `Tool`, and checks its own parameters."""

    @property
    def declaration(self) -> CustomTool: ...

    @property
    def seconds(self) -> float:
        """How long a call may take, counted from its start; the tool keeps that time itself."""
        ...

    async def run(self, parameters: JsonObject, context: ToolContext) -> ToolOutcome: ...


class Checkpoints(Protocol):
    """Keeps what calls change, so that it can be taken back. Never fails: it tells the user."""

    def kept(
        self, tool_id: str, call: PlannedCall, title: str
    ) -> AbstractAsyncContextManager[None]:
        """Around a call with effects: before it what it may change, after it what it did."""
        ...

    def run_ended(self) -> int:
        """How many files the run has changed that can be taken back."""
        ...


class SessionParts(msgspec.Struct, frozen=True, kw_only=True):
    link: Link
    journal: Journal
    view: View
    workspace: Workspace
    tools: Mapping[str, Tool]
    custom_tools: Mapping[str, CustomToolRunner] = msgspec.field(
        default_factory=dict[str, CustomToolRunner]
    )
    decide: Callable[[PlannedCall], Verdict]
    git_within: Callable[[PlannedCall], tuple[GitCommand, ...]]
    """The git commands that a call holds."""
    remember: Callable[[Ask], None]
    """The user's yes is to hold for what the question's `remember` says."""
    shells: Shells
    """Where its shell stands, and what it has in the background."""
    keep_rule: Callable[[str], None] | None = None
    """Write a rule to the user's configuration; raises UsageError. None: nothing is kept."""
    context: Callable[[str, Emit], ToolContext]
    """The world of the call with this tool_id; its live output goes to the given function."""
    end_survivors: Callable[[str], Awaitable[object]]
    """End whatever the call with this tool_id left behind in an earlier process."""
    checkpoints: Checkpoints | None = None
    """None: nothing can be taken back."""
    redactor: Redactor = msgspec.field(default_factory=Redactor)
    """Every text that is told of a call goes through it."""
    audit: AuditLog = msgspec.field(default_factory=AuditLog)
    keep_plan: bool = True
    """Write `.codegen/plan.md`; not in read-only mode."""
