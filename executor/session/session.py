"""One session as its user has it: run it, say something, interrupt, wait for the end, leave.

What frames mean is in `frames`, what becomes of calls in `calls`.
"""

import asyncio
import contextlib

from executor.errors import ExecutorError, JournalError, ServerRefused
from executor.link import AttachedElsewhere
from executor.session.calls import Calls
from executor.session.frames import Frames
from executor.session.letters import Letters
from executor.session.outcome import RunOver
from executor.session.parts import SessionParts
from executor.session.plan_file import PlanFile
from executor.session.runs import Runs
from executor.session.settling import Settling
from executor.session.start import NewSession, SessionStart
from executor.view.port import Connection, Notice
from protocol.from_executor import Interrupt, RunWishes, UserMessage


class Session:
    """Made inside a running loop. `run` works until `close`, or until no maestro is to be had."""

    def __init__(
        self, parts: SessionParts, start: SessionStart, *, stop_when_parked: bool = False
    ) -> None:
        """`stop_when_parked`: nobody sits there; a run that is parked is over, as Parked."""
        self._parts = parts
        self._letters = Letters()
        self._runs = Runs(
            going=isinstance(start.opening, NewSession), stop_when_parked=stop_when_parked
        )
        self._settling = Settling(parts.workspace.root, parts.journal.intents)
        self._calls = Calls(
            parts, self._settling, answered=self._runs.count, journal_failed=self._journal_failed
        )
        self._plan_file = PlanFile(parts.workspace, self._plan_failed)
        self._frames = Frames(
            start,
            parts,
            calls=self._calls,
            runs=self._runs,
            letters=self._letters,
            plan_file=self._plan_file,
        )
        self._pump: asyncio.Task[None] | None = None

    @property
    def session_id(self) -> str | None:
        """None until the maestro has answered."""
        return self._parts.journal.session_id

    @property
    def strays(self) -> int:
        """Frames so far that were refused or of no known type."""
        return self._frames.strays

    async def run(self) -> None:
        """Connect and work until `close`. Ends every call before it raises.

        Raises ServerRefused, ServerUnreachable, UsageError; `run_over` raises the same.
        """
        view, link = self._parts.view, self._parts.link
        for warning in self._parts.journal.warnings:
            view.show(Notice(warning, "warning"))
        await self._settling.settle_all()
        view.show(Connection("connecting", link.endpoint.shown))
        self._pump = asyncio.create_task(link.run(self._frames))
        try:
            await asyncio.wait([self._pump])
            if not self._pump.cancelled():
                self._pump.result()
        except AttachedElsewhere as error:
            view.show(Connection("moved", link.endpoint.shown, why=str(error)))
            await self._give_up(error)
            raise
        except ExecutorError as error:
            await self._give_up(error)
            raise
        finally:
            self._pump.cancel()
            self._runs.fail(ExecutorError("the session is over"))

    def say(self, text: str, *, run: RunWishes | None = None) -> None:
        """A follow-up, which opens a run; during one it steers.

        Arrives, once, also when the maestro is away at this moment. Raises UsageError for what is
        too large.
        """
        self._frames.post(UserMessage(text, run=run or RunWishes()))
        self._runs.expect()

    def interrupt(self, reason: str = "") -> None:
        """Stop the run: its calls end at once, the session stays."""
        self._frames.post(Interrupt(reason))
        self._calls.cancel_all("interrupted by the user")
        self._parts.shells.interrupted()

    async def run_over(self) -> RunOver:
        """The end of the run that goes on or was asked for last; at once where that is over.

        Raises what `run` raises, and ServerRefused where the maestro refuses what was said.
        """
        return await self._runs.over()

    async def close(self) -> None:
        """End every call, journal and send how they ended, and leave; the session stays."""
        await self._calls.close("the user left")
        await self._plan_file.close()
        await self._parts.link.close()
        if self._pump is not None:
            self._pump.cancel()
            with contextlib.suppress(asyncio.CancelledError, ExecutorError):
                await self._pump
        self._parts.journal.close()
        self._parts.audit.close()

    async def _give_up(self, error: ExecutorError) -> None:
        if isinstance(error, ServerRefused):
            self._parts.journal.is_asked = False
        self._runs.fail(error)
        await self._calls.close(str(error))

    def _journal_failed(self, error: JournalError) -> None:
        self._frames.journal_failed(error)

    def _plan_failed(self, why: str) -> None:
        self._parts.view.show(Notice(f"the plan was not written: {why}", "warning"))
