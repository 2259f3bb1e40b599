"""What a session's shell keeps between two calls: where it stands, what runs, what was written.

Decides nothing and starts nothing; ends what runs in the background when a run is interrupted.
"""

import asyncio
import os
import secrets
from contextlib import suppress
from typing import Protocol

from executor.errors import OutsideWorkspace, ToolFailure
from executor.process.command import SPILL_MAX, Captured, Command, Ended
from executor.process.outliving import Elsewhere
from executor.process.running import Running
from executor.workspace import Workspace

BACKGROUND_MAX = 16
ENDED_MAX = 32
"""Ended commands of which the output can still be read."""
ENDED_BYTES_MAX = 8 * SPILL_MAX
"""Bytes of their files, together."""
BACKGROUND_TAIL_BYTES = 256 * 1024
BACKGROUND_SECONDS = 12 * 3600.0
"""How long a command may run where nobody said so."""


class Keeper(Protocol):
    """Starts commands that outlive their session."""

    async def start(self, shell_id: str, line: str, command: Command, workdir: str) -> Elsewhere:
        """Raises ToolFailure. The folder's handle in `command` is not used, but `workdir`."""
        ...


class KeptShell:
    """A command that the model knows by an id: one in the background, or one with more to read."""

    def __init__(self, shell_id: str, of: Running | Elsewhere | Ended, *, terminal: bool) -> None:
        self.shell_id = shell_id
        self.terminal = terminal
        """What it wrote was drawn on a terminal."""
        self.cursor = 0
        """Where the next reading begins."""
        self.settled = False
        """Of a run that is over: an interrupt does not mean it."""
        self._running = None if isinstance(of, Ended) else of
        self._ended = of if isinstance(of, Ended) else None
        self.outlives = isinstance(of, Elsewhere)
        """Its session."""

    @property
    def output(self) -> Captured:
        """What has come so far."""
        ended = self.ended
        if ended is not None:
            return ended.output
        return self.running.output.snapshot()

    @property
    def running(self) -> Running | Elsewhere:
        """Only where it has not `ended`."""
        if self._running is None:
            raise RuntimeError(f"{self.shell_id} has ended")
        return self._running

    @property
    def ended(self) -> Ended | None:
        """None while it runs."""
        if self._ended is None and self.running.ended.done():
            self._ended, self._running = self.running.ended.result(), None
        return self._ended

    @property
    def over(self) -> "asyncio.Future[Ended]":
        """Done when it has ended."""
        if self._ended is None:
            return self.running.ended
        done = asyncio.get_running_loop().create_future()
        done.set_result(self._ended)
        return done

    async def wait(self, seconds: float) -> None:
        """Until it has ended, for so long at most."""
        if self.ended is None:
            await asyncio.wait((self.running.ended,), timeout=seconds)

    async def stop(self, why: str) -> Ended:
        """End it if it has not ended; how it ended."""
        return self.ended or await self.running.stop(why)


class Shells:
    """One a session."""

    def __init__(
        self, workspace: Workspace, *, resumed: bool = False, keeper: Keeper | None = None
    ) -> None:
        """`resumed`: the model may think of a folder and of commands that are gone. Where there is
        a `keeper`, commands that are begun in the background outlive the session."""
        self.keeper = keeper
        self._workspace = workspace
        self._resumed = resumed
        self._place = "."
        self._remarks = ["the shell begins again in the project's root"] if resumed else []
        # Numbers of an earlier process must not mean commands of this one.
        self._number = 100 * (1 + secrets.randbelow(9)) if resumed else 0
        self._kept: dict[str, KeptShell] = {}
        self._stopping: set[asyncio.Task[Ended]] = set()

    def place(self) -> str | None:
        """The folder that a command runs in unless it is told another; None: the root."""
        if self._place == ".":
            return None
        with suppress(OutsideWorkspace):
            if self._workspace.resolve(self._place).kind == "folder":
                return self._place
        self._remarks.append(f"{self._place} is gone: the shell is back in the project's root")
        self._place = "."
        return None

    def follow(self, told: bytes) -> None:
        """Go where a command says that it ended, if that is within the project."""
        path = os.fsdecode(told.removesuffix(b"\n"))
        if not path:
            return
        try:
            found = self._workspace.resolve(path)
        except OutsideWorkspace:
            self._remarks.append(
                f"the command ended outside the project: the next one runs in {self._place} again"
            )
            return
        if found.kind == "folder" and found.shown != self._place:
            self._place = found.shown
            self._remarks.append(f"the working directory is {self._place} from here on")

    def remarks(self) -> list[str]:
        """What the model has to be told of its shell, once."""
        remarks, self._remarks = self._remarks, []
        return remarks

    @property
    def in_background(self) -> bool:
        """Whether a command runs that no call waits for."""
        return bool(self._live())

    @property
    def has_room(self) -> bool:
        """Whether one more command may run in the background."""
        return len(self._live()) < BACKGROUND_MAX

    def refuse_if_full(self) -> None:
        """Raises ToolFailure too_many_shells."""
        if not self.has_room:
            running = ", ".join(shell.shell_id for shell in self._live())
            raise ToolFailure(
                "too_many_shells",
                f"{BACKGROUND_MAX} commands run in the background ({running}): end one with "
                "ShellKill first.",
            )

    def next_id(self) -> str:
        """One that no command has."""
        self._number += 1
        while f"sh{self._number}" in self._kept:
            self._number += 1
        return f"sh{self._number}"

    def keep(
        self, command: Running | Elsewhere | Ended, *, terminal: bool = False, shell_id: str = ""
    ) -> KeptShell:
        """Give a command an id, by which it is found until others take its place."""
        if isinstance(command, Running):
            command.run_on(BACKGROUND_TAIL_BYTES)
        shell = KeptShell(shell_id or self.next_id(), command, terminal=terminal)
        self._kept[shell.shell_id] = shell
        self._forget_old()
        return shell

    def adopt(self, command: Elsewhere) -> None:
        """One that an earlier process of the session has started; no run of this one means it."""
        shell = self.keep(command, terminal=command.kept.terminal, shell_id=command.kept.shell_id)
        shell.settled = True

    def find(self, shell_id: str) -> KeptShell:
        """Raises ToolFailure not_found, which names those there are."""
        shell = self._kept.get(shell_id)
        if shell is None:
            known = ", ".join(self._kept) or "none"
            gone = " Commands end with the executor, and it was started again." * self._resumed
            raise ToolFailure(
                "not_found",
                f"There is no shell {shell_id!r} (known: {known}).{gone} Run the command again "
                "with Shell if you need it.",
            )
        return shell

    def run_over(self) -> None:
        """What still runs belongs to no run any more: it stays until somebody ends it."""
        for shell in self._live():
            shell.settled = True

    def interrupted(self) -> None:
        """End what the run that is interrupted has left in the background."""
        for shell in self._live():
            if not shell.settled:
                task = asyncio.create_task(shell.stop("by the user, who interrupted the run"))
                self._stopping.add(task)
                task.add_done_callback(self._stopping.discard)

    def _live(self) -> list[KeptShell]:
        return [shell for shell in self._kept.values() if shell.ended is None]

    def _forget_old(self) -> None:
        """Drop the oldest that have ended, their files too, until the rest is within bounds."""
        ended = [shell for shell in self._kept.values() if shell.ended is not None]
        size = sum(min(shell.output.total_bytes, SPILL_MAX) for shell in ended)
        while ended[1:] and (len(ended) > ENDED_MAX or size > ENDED_BYTES_MAX):
            oldest = ended.pop(0)
            size -= min(oldest.output.total_bytes, SPILL_MAX)
            del self._kept[oldest.shell_id]
            if oldest.output.spill is not None:
                oldest.output.spill.unlink(missing_ok=True)
