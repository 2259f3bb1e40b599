"""One command between its start and its end: its output so far, its limits, its end.

Whoever started it may stop waiting and let it run; what that means is not its business.
"""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from executor.failpoints import hit
from executor.process.command import (
    Command,
    Ended,
    Exited,
    Lost,
    NotStarted,
    Outcome,
    Signalled,
    Silent,
    Stopped,
    TimedOut,
)
from executor.process.live import Live
from executor.process.output import Capture
from executor.process.tree import Feed, Tree
from executor.workspace.waiting import to_the_end

GRACE_S = 1.5
"""Between the request to end and the kill."""
DRAIN_S = 1.0
"""How long a command's children may hold its output after its own end."""
STRAGGLERS_S = 0.25
"""The same for children that hold no output."""

Finished = Callable[[Ended], Awaitable[Ended]]


class Running:
    """Made when the command has been started; `ended` is done when nothing of it is left."""

    def __init__(
        self,
        command: Command,
        tree: Tree,
        output: Capture,
        live: Live,
        *,
        put_up: AsyncExitStack,
        finished: Finished,
    ) -> None:
        """`put_up` is closed when nothing of it is left; `finished` may add to how it ended."""
        self.output = output
        self.silence_s = command.silence_s
        self._timeout_s = command.timeout_s
        self._tree = tree
        self._live = live
        self._put_up = put_up
        self._finished = finished
        self._began = time.monotonic()
        self._stopped: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.ended: asyncio.Task[Ended] = asyncio.create_task(self._to_its_end())

    @property
    def seconds(self) -> float:
        """Since its start."""
        return time.monotonic() - self._began

    def run_on(self, tail_bytes: int) -> None:
        """Nobody waits for it any more: keep what it writes, show nothing of it."""
        self._live.mute()
        self.output.keep_all(tail_bytes)

    async def stop(self, why: str) -> Ended:
        """End it, if it has not ended; how it ended. Not to be cut short."""
        if not self._stopped.done():
            self._stopped.set_result(Stopped(why))
        return await to_the_end(self.ended)

    async def close(self, grace_s: float) -> None:
        """End every process of it with less patience."""
        await end(self._tree, grace_s)
        await asyncio.wait((self.ended,))

    async def _to_its_end(self) -> Ended:
        tree = self._tree
        try:
            hit("after_spawn")
            outcome = await self._outcome()
            hit("after_exit")
        finally:
            await to_the_end(end(tree, GRACE_S))
            self._live.close()
            captured = self.output.finish()
            await to_the_end(self._put_up.aclose())
        milliseconds = round(self.seconds * 1000)
        ended = Ended(outcome, captured, milliseconds, tree.killed, tree.told_place)
        return await self._finished(ended)

    async def _outcome(self) -> Outcome:
        """Wait for the command itself, then a little for those who hold its output."""
        ended = self._tree.ended
        while not (ended.done() or self._stopped.done()):
            late = self._late()
            if isinstance(late, TimedOut | Silent):
                return late
            await asyncio.wait(
                (ended, self._stopped), timeout=late, return_when=asyncio.FIRST_COMPLETED
            )
        if not ended.done():
            return self._stopped.result()
        match ended.result():
            case {"failed": number}:
                return NotStarted(os.strerror(number))
            case {"exited": status}:
                await _drained(self._tree)
                code = os.waitstatus_to_exitcode(status)
                return Exited(code) if code >= 0 else Signalled(_signal_name(-code))
            case _:
                return Lost()

    def _late(self) -> TimedOut | Silent | float:
        """Which limit it has reached, or the seconds until it may have."""
        now = time.monotonic()
        left = self._began + self._timeout_s - now
        if left <= 0:
            return TimedOut(self._timeout_s)
        if self.silence_s is None:
            return left
        quiet = self.output.fed_at + self.silence_s - now
        return Silent(self.silence_s) if quiet <= 0 else min(left, quiet)


def feeds(live: Live, output: Capture, *, keep_stderr: bool) -> tuple[Feed, Feed]:
    """Where a command's standard output and errors go."""

    def feed_stdout(chunk: bytes) -> None:
        output.feed(chunk)
        live.feed("stdout", chunk)

    def feed_stderr(chunk: bytes) -> None:
        if keep_stderr:
            output.feed(chunk)
        live.feed("stderr", chunk)

    return feed_stdout, feed_stderr


async def end(tree: Tree, grace_s: float) -> None:
    """Ask every process to end, kill those that do not, and let go of the tree."""
    for letter in (b"T", b"K"):
        if tree.empty.is_set():
            break
        tree.ask(letter)
        try:
            async with asyncio.timeout(grace_s):
                await tree.empty.wait()
        except TimeoutError:
            continue
    tree.close()


async def _drained(tree: Tree) -> None:
    try:
        if not tree.silent.is_set():
            async with asyncio.timeout(DRAIN_S):
                await tree.silent.wait()
        if not tree.empty.is_set():
            async with asyncio.timeout(STRAGGLERS_S):
                await tree.empty.wait()
    except TimeoutError:
        tree.ask(b"K")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
