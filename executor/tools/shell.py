"""`Shell`: one command line, run to its end or on into the background.

A command that ended by itself is a success, whatever its exit code; what may run is decided before.
"""

import asyncio

import msgspec

from executor.errors import ToolFailure
from executor.process import terminal
from executor.process.command import Command
from executor.process.interactive import refuse_waiting
from executor.process.kept import without_unfinished_word
from executor.process.outliving import Elsewhere
from executor.process.programs import may_move, shell_argv
from executor.process.report import report, shown, with_facts
from executor.process.running import Running
from executor.process.shells import BACKGROUND_SECONDS, Keeper, KeptShell
from executor.tool_context import ToolContext, ToolOutcome
from protocol.from_executor import ResultMetadata
from protocol.tools import shell
from protocol.tools.contract import ToolContract

LOOK_S = 1.0
"""How long a command for the background is watched: most that fail do so at once."""


class ShellTool:
    """Streams what the command writes and keeps its head and tail."""

    contract: ToolContract = shell.CONTRACT

    async def run(self, parameters: shell.Shell, context: ToolContext) -> ToolOutcome:
        if "\0" in parameters.command:
            raise ToolFailure("invalid_parameters", "The command holds a NUL character.")
        refuse_waiting(parameters.command, terminal=parameters.pty)
        shells = context.shells
        if parameters.background:
            shells.refuse_if_full()
        place = shells.place()
        carries = parameters.workdir in (None, place)
        with context.workspace.folder(parameters.workdir or place or ".") as folder:
            command = _command(parameters, folder, context, carries=carries)
            if parameters.background and shells.keeper is not None:
                return await _outliving(shells.keeper, parameters, command, context)
            running = await context.processes.start(command, context.emit)
        try:
            await asyncio.wait((running.ended,), timeout=_patience(parameters))
            if not shells.has_room:
                await asyncio.wait((running.ended,))
        except asyncio.CancelledError:
            await running.stop("with its call")
            raise
        if not running.ended.done():
            return _moved(running, parameters, context)
        ended = running.ended.result()
        if carries:
            shells.follow(ended.place)
        kept = (
            shells.keep(ended, terminal=parameters.pty).shell_id if ended.output.truncated else ""
        )
        told = report(ended, shell_id=kept, terminal=parameters.pty, also=shells.remarks())
        return ToolOutcome(told.text, told.status, told.error, metadata=told.metadata)


def _command(
    parameters: shell.Shell, folder: int, context: ToolContext, *, carries: bool
) -> Command:
    tells_place = carries and may_move(parameters.command)
    silence_s = parameters.silence_s
    if silence_s is None and not parameters.background:
        silence_s = shell.SILENCE_S
    return Command(
        argv=shell_argv(parameters.command, tells_place=tells_place),
        folder=folder,
        call=context.tool_id,
        timeout_s=parameters.timeout_s or BACKGROUND_SECONDS,
        silence_s=silence_s,
        terminal=parameters.pty,
        tells_place=tells_place,
        environment=terminal.ENVIRONMENT if parameters.pty else {},
        spill=context.spill,
    )


def _patience(parameters: shell.Shell) -> float | None:
    """How long the call waits; None: until the command ends."""
    if parameters.background:
        return LOOK_S
    if parameters.background_after_s is not None:
        return parameters.background_after_s
    return shell.BACKGROUND_AFTER_S if parameters.timeout_s is None else None


async def _outliving(
    keeper: Keeper, parameters: shell.Shell, command: Command, context: ToolContext
) -> ToolOutcome:
    """In the hands of a process that stays when this one ends; its user wants that."""
    shells = context.shells
    shell_id = shells.next_id()
    # Nobody follows it to where it ends, so nothing is written to handle 3.
    command = msgspec.structs.replace(
        command, argv=shell_argv(parameters.command, tells_place=False), tells_place=False
    )
    workdir = parameters.workdir or shells.place() or "."
    kept = await keeper.start(shell_id, parameters.command, command, workdir)
    known = shells.keep(kept, terminal=parameters.pty, shell_id=shell_id)
    await known.wait(LOOK_S)
    if known.ended is not None:
        told = report(
            known.ended, shell_id=shell_id, terminal=parameters.pty, also=shells.remarks()
        )
        return ToolOutcome(told.text, told.status, told.error, metadata=told.metadata)
    return _moved(kept, parameters, context, known)


def _moved(
    running: Running | Elsewhere,
    parameters: shell.Shell,
    context: ToolContext,
    known: KeptShell | None = None,
) -> ToolOutcome:
    running.silence_s = parameters.silence_s
    kept = known or context.shells.keep(running, terminal=parameters.pty)
    so_far = kept.output
    if not kept.ended:
        so_far = without_unfinished_word(so_far, context.unfinished)
    kept.cursor = so_far.total_bytes
    begun = "it runs" if parameters.background else f"still running after {running.seconds:.0f} s"
    text = with_facts(
        shown(so_far, kept.shell_id, terminal=parameters.pty),
        f"{begun} in the background as {kept.shell_id}",
        "ShellOutput shows what it writes and waits for it",
        "ShellKill ends it",
        *(("it stays when the session ends, as the user wants it",) if kept.outlives else ()),
        *context.shells.remarks(),
    )
    facts = ResultMetadata(truncated=so_far.truncated, total_bytes=so_far.total_bytes)
    return ToolOutcome(text, metadata=facts)
