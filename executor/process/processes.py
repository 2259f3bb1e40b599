"""Run commands with a time-out, and leave nothing of them behind.

One object per session; how a command is started and watched is in `tree` and `warden`.
"""

import asyncio
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from executor.failpoints import hit
from executor.process.command import (
    Command,
    Ended,
    Exited,
    Lost,
    NotStarted,
    Outcome,
    Signalled,
    TimedOut,
)
from executor.process.environment import clean_environment
from executor.process.live import Emit, Live, Stream
from executor.process.nursery import Nursery
from executor.process.output import Capture
from executor.process.programs import find_program
from executor.process.survivors import end_marked
from executor.process.tree import Feed, Tree
from executor.sandbox.launch import Confinement, Launch
from executor.sandbox.unconfined import Unconfined
from executor.workspace.waiting import to_the_end

GRACE_S = 1.5
"""Between the request to end and the kill."""
CLOSE_GRACE_S = 0.5
DRAIN_S = 1.0
"""How long a command's children may hold its output after its own end."""
STRAGGLERS_S = 0.25
"""The same for children that hold no output."""
RUNNING_MAX = 16


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
        self._nursery = nursery or Nursery()
        self._confinement: Confinement = confinement or Unconfined()
        self._slots = asyncio.Semaphore(RUNNING_MAX)
        self._running: set[Tree] = set()

    async def run(self, command: Command, emit: Emit = _nobody) -> Ended:
        """Run `command` to its end, its time-out, or the cancellation of this coroutine.

        When it returns or raises, no process of the command is left. Raises OSError when this
        machine can start nothing at all.
        """
        confinement = self._confinement if command.confined else Unconfined()
        async with (
            self._slots,
            confinement.around(
                command.argv,
                clean_environment(self._environment, self._mark(command.call))
                | dict(command.environment),
                command.folder,
            ) as launch,
        ):
            ended = await self._run(command, launch, emit)
        if ended.outcome in (Exited(0), TimedOut(command.timeout_s)):
            return ended
        hint = confinement.hint(ended.output.tail or ended.output.head)
        return msgspec.structs.replace(ended, hint=hint)

    async def _run(self, command: Command, launch: Launch, emit: Emit) -> Ended:
        started = time.monotonic()
        live = Live(emit)
        capture = Capture(command.head_bytes, command.tail_bytes, command.spill, command.call)
        hit("before_spawn")
        feeds = _feeds(live, capture, keep_stderr=command.keep_stderr)
        tree = await Tree.start(self._nursery, launch, command.folder, feeds)
        self._running.add(tree)
        try:
            hit("after_spawn")
            outcome = await _outcome(tree, command.timeout_s)
            hit("after_exit")
        finally:
            await to_the_end(_end(tree, GRACE_S))
            self._running.discard(tree)
            live.close()
            captured = capture.finish()
        if isinstance(outcome, Lost):
            await self.end_survivors(command.call)
        duration_ms = round((time.monotonic() - started) * 1000)
        return Ended(outcome, captured, duration_ms, tree.killed)

    def program(self, name: str, project: Path) -> str | None:
        """The absolute path of a program that does not come from `project`."""
        return find_program(name, self._environment, project)

    async def end_survivors(self, call: str) -> int:
        """Kill what a call of an earlier executor has left; how many processes there were."""
        return await asyncio.to_thread(end_marked, self._mark(call))

    async def close(self) -> None:
        """End everything that runs."""
        endings = [_end(tree, CLOSE_GRACE_S) for tree in tuple(self._running)]
        await to_the_end(asyncio.gather(*endings))
        await asyncio.to_thread(self._nursery.close)
        await self._confinement.close()

    def _mark(self, call: str) -> str:
        return f"{self._owner}.{call}"


def _feeds(live: Live, capture: Capture, *, keep_stderr: bool) -> tuple[Feed, Feed]:
    def feed_stdout(chunk: bytes) -> None:
        capture.feed(chunk)
        live.feed("stdout", chunk)

    def feed_stderr(chunk: bytes) -> None:
        if keep_stderr:
            capture.feed(chunk)
        live.feed("stderr", chunk)

    return feed_stdout, feed_stderr


async def _outcome(tree: Tree, timeout_s: float) -> Outcome:
    """Wait for the command itself, then a little for those who hold its output."""
    try:
        async with asyncio.timeout(timeout_s):
            fact = await asyncio.shield(tree.ended)
    except TimeoutError:
        return TimedOut(timeout_s)
    match fact:
        case {"failed": number}:
            return NotStarted(os.strerror(number))
        case {"exited": status}:
            await _drained(tree)
            code = os.waitstatus_to_exitcode(status)
            return Exited(code) if code >= 0 else Signalled(_signal_name(-code))
        case _:
            return Lost()


async def _drained(tree: Tree) -> None:
    try:
        async with asyncio.timeout(DRAIN_S):
            await tree.silent.wait()
        async with asyncio.timeout(STRAGGLERS_S):
            await tree.empty.wait()
    except TimeoutError:
        tree.ask(b"K")


async def _end(tree: Tree, grace_s: float) -> None:
    """Ask every process to end, kill those that do not, and let go of the tree."""
    for letter in (b"T", b"K"):
        tree.ask(letter)
        try:
            async with asyncio.timeout(grace_s):
                await tree.empty.wait()
                break
        except TimeoutError:
            continue
    tree.close()


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
