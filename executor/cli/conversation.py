"""`codegen` alone on a terminal: one session, many turns.

Joins the line editor, the view and the session; each of them has the terminal in its turn.
"""

import asyncio
import contextlib
import sys
import time
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from typing import Protocol

from executor.cli.signals import on_signals
from executor.cli.slash import Slash
from executor.errors import ExecutorError, UsageError
from executor.session import RunOver
from executor.view.port import Notice, Shown
from protocol.from_executor import RunWishes, UserMessage

TWICE_SECONDS = 2.0
"""Two Ctrl-C within this leave."""


class Talk(Protocol):
    """What a conversation needs of a session; `executor.session.Session` is one."""

    def say(self, text: str, *, run: RunWishes | None = None) -> None: ...

    def interrupt(self, reason: str = "") -> None: ...

    async def run_over(self) -> RunOver: ...


class Stage(Protocol):
    """What a conversation needs of the view; `TerminalView` is one."""

    def show(self, shown: Shown) -> None: ...

    def pause(self, elsewhere: Callable[[str], None]) -> None: ...

    def resume(self, on_line: Callable[[str], None]) -> None: ...


class Editor(Protocol):
    async def read(self, default: str = "") -> str:
        """EOFError for Ctrl-D, KeyboardInterrupt for Ctrl-C."""
        ...

    @property
    def typed(self) -> str:
        """What stood in the line when it was left."""
        ...


@dataclass(slots=True)
class Conversation:
    """`open_session` begins the session with its first message; it is called once."""

    stage: Stage
    editor: Editor
    slash: Slash
    open_session: Callable[[str, RunWishes | None], Awaitable[Talk]]
    _talk: Talk | None = None
    _interrupted_at: float = float("-inf")

    async def run(self, *, goes_on: bool = False) -> None:
        """Until the user leaves. Raises what the session raises when it can't go on.

        `goes_on`: a run of the session is open already, and comes first.
        """
        self.stage.pause(_print)
        if goes_on:
            await self._turn("")
        while not self.slash.left:
            try:
                text = await self.editor.read()
            except EOFError:
                return
            except KeyboardInterrupt:
                if not self.editor.typed and self._is_second_interrupt():
                    return
                continue
            if text.startswith("/"):
                self.slash.run(text)
            elif text.strip():
                await self._turn(text.strip())

    async def _turn(self, text: str) -> None:
        """One message, and the run that it opens, to its end."""
        left = asyncio.Event()
        self.stage.resume(lambda line: self._steer(line, left))
        try:
            with self._interrupts(left):
                over = asyncio.ensure_future(self._said(text))
                leaving = asyncio.ensure_future(left.wait())
                try:
                    await asyncio.wait({over, leaving}, return_when=asyncio.FIRST_COMPLETED)
                    if over.done():
                        over.result()
                    else:
                        self.slash.left = True
                finally:
                    over.cancel()
                    leaving.cancel()
                    await asyncio.gather(over, leaving, return_exceptions=True)
        except UsageError as error:
            self.stage.show(Notice(str(error), "error"))
        finally:
            self.stage.pause(_print)

    async def _said(self, text: str) -> RunOver:
        wishes = self.slash.take_wishes()
        if self._talk is None:
            self._talk = await self.open_session(text, wishes)
        else:
            self._talk.say(text, run=wishes)
        return await self._talk.run_over()

    def _steer(self, line: str, left: asyncio.Event) -> None:
        """What was typed while the run goes on."""
        if line.startswith("/"):
            self.slash.run(line)
            if self.slash.left:
                left.set()
        elif self._talk is None:
            self.stage.show(Notice("not connected yet: say it again in a moment", "warning"))
        else:
            try:
                self._talk.say(line, run=self.slash.take_wishes())
            except ExecutorError as error:
                self.stage.show(Notice(str(error), "error"))
            else:
                self.stage.show(UserMessage(line))

    @contextlib.contextmanager
    def _interrupts(self, left: asyncio.Event) -> Generator[None]:
        """Ctrl-C interrupts the run, a second one leaves; SIGTERM and SIGHUP leave."""

        def interrupt() -> None:
            if self._is_second_interrupt() or self._talk is None:
                left.set()
                return
            self._talk.interrupt("interrupted by the user")

        with on_signals(interrupt=interrupt, leave=left.set):
            yield

    def _is_second_interrupt(self) -> bool:
        """Also says, at the first one, what a second one would do."""
        now = time.monotonic()
        second = now - self._interrupted_at < TWICE_SECONDS
        self._interrupted_at = now
        if not second:
            self.stage.show(Notice("Ctrl-C again leaves"))
        return second


def _print(text: str) -> None:
    """Above the editor, where there is one: it takes over `sys.stdout` while it reads."""
    sys.stdout.write(text)
    sys.stdout.flush()
