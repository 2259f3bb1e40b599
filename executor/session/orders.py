"""Turn a `run_tool` into a call that can be decided on, or say why it is none.

Checks names and parameters against the contracts. Decides nothing, runs nothing.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from msgspec.structs import replace

from executor.errors import ToolFailure
from executor.policy.call import PlannedCall
from executor.process.git_foretelling import GitCommand
from executor.process.interactive import refuse_waiting
from executor.session.parts import SessionParts
from executor.tool_context import (
    ChangesFiles,
    Prechecked,
    Tool,
    ToolContext,
    ToolOutcome,
)
from protocol.from_maestro import RunTool
from protocol.tools.git import Git
from protocol.tools.shell import Shell
from protocol.tools.shell_output import ShellOutput
from protocol.version import BOOTSTRAP_GENERATION, DEFAULT_TOOL_SECONDS, MAX_TOOL_SECONDS

ENDING_SECONDS = 10.0
"""What a tool that keeps its own time gets beyond it, to end what it started and to answer."""


class Order(msgspec.Struct, frozen=True):
    call: PlannedCall
    run: Callable[[ToolContext], Awaitable[ToolOutcome]]
    seconds: float
    """How long it may run, counted from its start."""
    check: Callable[[ToolContext], Awaitable[None]] | None = None
    """What the tool can say against the call before anybody is asked."""
    files: bool = False
    """All that it does is change files, and it says which before it does."""
    git: tuple[GitCommand, ...] = ()
    """The git commands that it holds: what they throw away is told before."""

    @property
    def effects(self) -> bool:
        return self.call.effect != "read"


def ordered(message: RunTool, parts: SessionParts) -> Order:
    """As things stand at this moment: a `cd` of the call before counts.

    Raises ToolFailure: unknown_tool, invalid_parameters, and for placeholders of secrets."""
    name = message.tool_name
    bootstrap = is_bootstrap(message)
    tool = parts.tools.get(name)
    if tool is not None:
        writes = tool.contract.effect == "write"
        given = parts.redactor.parameters(message.parameters, writes=writes)
        try:
            parameters = msgspec.convert(given, tool.contract.parameters)
        except msgspec.ValidationError as error:
            raise ToolFailure("invalid_parameters", f"{name}: {error}") from None
        if isinstance(parameters, Shell):
            refuse_waiting(parameters.command, terminal=parameters.pty)
            if parameters.workdir is None:  # what is decided and shown is where it runs
                parameters = replace(parameters, workdir=parts.shells.place())
        call = PlannedCall(name, tool.contract.effect, parameters, bootstrap)
        return Order(
            call,
            lambda context: tool.run(parameters, context),
            _seconds(parameters),
            _check(tool, parameters),
            files=isinstance(tool, ChangesFiles),
            git=parts.git_within(call),
        )
    custom = parts.custom_tools.get(name)
    if custom is not None:
        parameters = parts.redactor.parameters(message.parameters, writes=False)
        effect = custom.declaration.effect
        call = PlannedCall(name, effect, parameters, bootstrap, custom=True)
        seconds = custom.seconds + ENDING_SECONDS
        return Order(call, lambda context: custom.run(parameters, context), seconds)
    known = ", ".join(sorted((*parts.tools, *parts.custom_tools)))
    raise ToolFailure("unknown_tool", f"There is no tool {name!r} here. There are: {known}.")


def _check(tool: Tool, parameters: Any) -> Callable[[ToolContext], Awaitable[None]] | None:
    if not isinstance(tool, Prechecked):
        return None
    return lambda context: tool.check(parameters, context)


def is_bootstrap(message: RunTool) -> bool:
    return message.generation_id == BOOTSTRAP_GENERATION


def _seconds(parameters: msgspec.Struct) -> float:
    match parameters:
        case Shell(timeout_s=timeout):
            return min(float(timeout or MAX_TOOL_SECONDS), MAX_TOOL_SECONDS) + ENDING_SECONDS
        case ShellOutput(timeout_s=timeout):
            return (timeout or DEFAULT_TOOL_SECONDS) + ENDING_SECONDS
        case Git():
            return DEFAULT_TOOL_SECONDS + ENDING_SECONDS
        case _:
            return DEFAULT_TOOL_SECONDS
