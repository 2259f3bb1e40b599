"""Start commands and leave nothing of them behind.

One object per session; how a command is watched is in `running`, `tree` and `warden`.
"""

import asyncio
import os
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec

from executor.failpoints import hit
from executor.process.command import (
    Command,
    Ended,
    Exited,
    Lost,
    NotStarted,
    Silent,
    Stopped,
    TimedOut,
)
from executor.process.environment import clean_environment
from executor.process.live import Emit, Live, Stream
from executor.process.nursery import Nursery
from executor.process.output import Capture
from executor.process.programs import find_program
from executor.process.running import Running, feeds
from executor.process.survivors import end_marked
from executor.process.tree import Start, Tree
from executor.sandbox.launch import MARK, Confinement
from executor.sandbox.unconfined import Unconfined
from executor.workspace.waiting import to_the_end

CLOSE_GRACE_S = 0.5
RUNNING_MAX = 16
"""Commands that somebody waits for; those in the background are counted elsewhere."""


def _nobody(_stream: Stream, _text: str) -> None:
    """The `emit` of a command that nobody watches."""


class Processes:
    """Starts everything that this session runs, and ends it."""

    def __init__(
        self,
        owner: str,
        environment: Mapping[str, str],
        nursery: Nursery | None = None,
        confinement: Confinement | None = None,
    ) -> None:
        """`owner` is the journal's id, under which an executor that comes later finds survivors;
        `environment` is the executor's own, of which a clean part is passed on. Without a
        `confinement` commands may do whatever their user may."""
        self._owner = owner
        self._environment = environment
        self._clean = clean_environment(environment, owner)
        self._nursery = nursery or Nursery()
        self._confinement: Confinement = confinement or Unconfined()
        self._slots = asyncio.Semaphore(RUNNING_MAX)
        self._running: set[Running] = set()

    async def run(self, command: Command, emit: Emit = _nobody) -> Ended:
        """Run `command` to its end, its time-out, or the cancellation of this coroutine.

        When it returns or raises, no process of the command is left. Raises OSError when this
        machine can start nothing at all.
        """
        async with self._slots:
            running = await self.start(command, emit)
            try:
                return await asyncio.shield(running.ended)
            except asyncio.CancelledError:
                await running.stop("with its call")
                raise

    async def start(self, command: Command, emit: Emit = _nobody) -> Running:
        """Start `command`, which runs until it is stopped, reaches a limit, or all are closed.

        Raises OSError when this machine can start nothing at all, ToolFailure when it can't be
        confined as it has to be.
        """
        confinement = self._confinement if command.confined else Unconfined()
        environment = {**self._clean, MARK: self._mark(command.call), **command.environment}
        async with AsyncExitStack() as unless_started:
            launch = await unless_started.enter_async_context(
                confinement.around(command.argv, environment, command.folder)
            )
            live = Live(emit)
            output = Capture(command.head_bytes, command.tail_bytes, command.spill, command.call)
            hit("before_spawn")
            tree = Tree.start(
                self._nursery,
                Start(launch, command.folder, command.terminal, command.tells_place),
                feeds(live, output, keep_stderr=command.keep_stderr),
            )
            broken: list[str] = []

            async def look() -> None:
                code = _exit_code(tree)
                if code > 0:
                    shown = output.snapshot()
                    broken.append(await confinement.broken(launch, code, shown.tail or shown.head))

            unless_started.push_async_callback(look)
            put_up = unless_started.pop_all()
        running = Running(
            command,
            tree,
            output,
            live,
            put_up=put_up,
            finished=lambda ended: self._told(command, confinement, ended, broken),
        )
        self._running.add(running)
        running.ended.add_done_callback(lambda _: self._running.discard(running))
        return running

    async def _told(
        self, command: Command, confinement: Confinement, ended: Ended, broken: Sequence[str]
    ) -> Ended:
        """`ended` with what the sandbox has to say of it; nothing is left when this returns.

        `broken`: why nothing was run, once that was looked into.
        """
        if isinstance(ended.outcome, Lost):
            await self.end_survivors(command.call)
        outcome = ended.outcome
        well = outcome == Exited(0) or isinstance(outcome, TimedOut | Silent | Stopped)
        output = b"" if well else ended.output.tail or ended.output.head
        if isinstance(outcome, Exited) and any(broken):
            return msgspec.structs.replace(ended, outcome=NotStarted("".join(broken)))
        hint = confinement.hint(output, self._mark(command.call))
        return msgspec.structs.replace(ended, hint=hint) if hint else ended

    def program(self, name: str, project: Path) -> str | None:
        """The absolute path of a program that does not come from `project`."""
        return find_program(name, self._environment, project)

    async def end_survivors(self, call: str = "") -> int:
        """Kill what a call of an earlier executor has left, or all of them; how many there were."""
        mark = self._mark(call)
        return await asyncio.to_thread(end_marked, mark)

    async def end_all(self) -> None:
        """End everything that runs."""
        endings = [running.close(CLOSE_GRACE_S) for running in tuple(self._running)]
        await to_the_end(asyncio.gather(*endings))

    async def close(self) -> None:
        """The same, and start nothing any more."""
        await self.end_all()
        await asyncio.to_thread(self._nursery.close)
        await self._confinement.close()

    def _mark(self, call: str) -> str:
        return f"{self._owner}.{call}"


def _exit_code(tree: Tree) -> int:
    """Of a command that is over; 0 where there is none."""
    status = tree.ended.result().get("exited", 0) if tree.ended.done() else 0
    return os.waitstatus_to_exitcode(status)
