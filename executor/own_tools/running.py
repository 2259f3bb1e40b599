"""Run a tool of the user's own: a process of its own, parameters on its standard input.

What may run is decided before. A crash, a hang or a flood of output costs that call alone.
"""

import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import assert_never

import msgspec

from executor.errors import ToolFailure
from executor.own_tools import host
from executor.process.command import (
    Command,
    Ended,
    Exited,
    Lost,
    NotStarted,
    Signalled,
    Silent,
    Stopped,
    TimedOut,
)
from executor.process.report import ending, report
from executor.tool_context import ToolContext, ToolOutcome
from protocol.from_executor import CustomTool, ToolError
from protocol.version import DEFAULT_TOOL_SECONDS
from protocol.wire import JsonObject

_SHELL = ("/bin/sh", "-c", 'exec "$@" <"$0"')
"""Standard input of a command is closed; this one reads its parameters from the file $0."""

Check = Callable[[JsonObject, JsonObject], str | None]
"""Why parameters do not fit a schema; None when they do."""


class CommandTool:
    """A program that the user named in tools.toml."""

    def __init__(
        self,
        declaration: CustomTool,
        argv: tuple[str, ...],
        *,
        seconds: float,
        environment: Mapping[str, str],
        check: Check,
    ) -> None:
        self.declaration = declaration
        self.seconds = seconds
        self._argv = argv
        self._environment = environment
        self._check = check

    async def run(self, parameters: JsonObject, context: ToolContext) -> ToolOutcome:
        name = self.declaration.name
        why = self._check(self.declaration.parameters, parameters)
        if why is not None:
            raise ToolFailure("invalid_parameters", f"{name}: {why}")
        if not os.access(self._argv[0], os.X_OK):
            raise ToolFailure(
                "not_started", f"{name}: {self._argv[0]} is not there, or is no program."
            )
        ended = await _run(
            self._argv, parameters, context, seconds=self.seconds, environment=self._environment
        )
        told = report(ended)
        failed = isinstance(ended.outcome, Exited) and ended.outcome.code != 0
        if told.error is None and (failed or isinstance(ended.outcome, Signalled)):
            error = ToolError("failed", f"{name} did not end well: {ending(ended.outcome)}")
            return ToolOutcome(told.text, "error", error, metadata=told.metadata)
        return ToolOutcome(told.text, told.status, told.error, metadata=told.metadata)


class PythonTool:
    """A function of one of the user's tools files."""

    seconds: float = DEFAULT_TOOL_SECONDS

    def __init__(self, declaration: CustomTool, file: Path, digest: str) -> None:
        """`digest`: SHA-256 of the file as it was described; another one is not run."""
        self.declaration = declaration
        self._file = file
        self._digest = digest

    async def run(self, parameters: JsonObject, context: ToolContext) -> ToolOutcome:
        name = self.declaration.name
        argv = host_argv("run", str(self._file), name, self._digest)
        ended = await _run(argv, parameters, context, seconds=self.seconds, environment={})
        match ended.outcome:
            case Exited(code=0):
                told = report(ended)
                text = told.text.rpartition("[")[0].rstrip("\n")
                return ToolOutcome(text, metadata=told.metadata)
            case Exited(code=host.BAD_PARAMETERS):
                raise ToolFailure("invalid_parameters", f"{name}: {_text(ended)}")
            case Exited():
                raise ToolFailure(
                    "failed", f"{name} failed: {_text(ended) or ending(ended.outcome)}"
                )
            case Signalled() | TimedOut() | Silent() | Stopped() | NotStarted() | Lost():
                told = report(ended)
                error = told.error or ToolError("failed", f"{name} did not end well")
                return ToolOutcome(
                    told.text, told.status if told.error else "error", error, metadata=told.metadata
                )
            case _:
                assert_never(ended.outcome)


def host_argv(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-P", "-X", "utf8", "-m", "executor.own_tools.host", *arguments)


async def _run(
    argv: tuple[str, ...],
    parameters: JsonObject,
    context: ToolContext,
    *,
    seconds: float,
    environment: Mapping[str, str],
) -> Ended:
    handle, path = tempfile.mkstemp(prefix="parameters-", suffix=".json", dir=context.spill)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.encode(parameters))
        with context.workspace.folder(".") as folder:
            return await context.processes.run(
                Command(
                    argv=(*_SHELL, path, *argv),
                    folder=folder,
                    call=context.tool_id,
                    timeout_s=seconds,
                    environment=environment,
                    spill=context.spill,
                    keep_stderr=argv[0] != sys.executable,
                    confined=False,  # its user's own, with their keys and files
                ),
                context.emit,
            )
    finally:
        os.unlink(path)


def _text(ended: Ended) -> str:
    return (ended.output.head + ended.output.tail).decode("utf-8", "replace").strip()
