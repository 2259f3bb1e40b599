"""The calls of a session: each taken once, decided, journalled, carried out, answered.

Calls that only read run side by side, the others one at a time in their order of arrival. Nothing
here waits on the path that frames come in by.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Literal, assert_never

from executor.errors import JournalError, ToolFailure
from executor.failpoints import hit
from executor.journal import Accepted, Finished, Running, StartedByGoneProcess, Unknown
from executor.process.git_foretelling import Losses, foretold
from executor.session.consent import Asking, Consent
from executor.session.orders import Order, ordered
from executor.session.parts import SessionParts
from executor.session.reports import Answered, Live, Reports
from executor.session.results import cancelled, denied, failed, unsuccessful
from executor.session.settling import Settling
from executor.tool_context import ToolContext, ToolOutcome
from executor.view.port import CallStarted
from protocol.from_maestro import RunTool

MAX_CALLS = 64
MAX_READS = 16
CLOSING_SECONDS = 5.0


class Calls:
    def __init__(
        self,
        parts: SessionParts,
        settling: Settling,
        *,
        answered: Callable[[Answered], None],
        journal_failed: Callable[[JournalError], None],
    ) -> None:
        """`answered` is not told of the calls that gather context."""
        self._parts = parts
        self._reports = Reports(parts, answered=answered, journal_failed=journal_failed)
        self._consent = Consent(parts)
        self._settling = settling
        self._reads = asyncio.Semaphore(MAX_READS)
        self._effects = asyncio.Lock()
        self._live: dict[str, tuple[Live, asyncio.Task[None]]] = {}

    def take(self, message: RunTool) -> None:
        """Begin a call, or answer one that is known. Never runs one twice."""
        if message.tool_id in self._live:
            return
        match state := self._parts.journal.call(message.tool_id):
            case Unknown() if len(self._live) >= MAX_CALLS:
                words = f"Refused: {MAX_CALLS} calls are under way already."
                self._reports.end(Live(message), unsuccessful("error", "too_many_calls", words))
            case Unknown():
                live = Live(message)
                self._begin(live, self._carried_out(live))
            case Running():
                pass
            case Finished(result=result):
                self._reports.send(result)
            case Accepted():
                self._reports.end(Live(message), _unknown_end("its result was accepted before"))
            case StartedByGoneProcess(files=files):
                live = Live(message)
                self._begin(live, self._given_up(live, files=files))
            case _:
                assert_never(state)

    def cancel(self, tool_id: str, why: str) -> None:
        """End a call that is under way, withdrawing its question; any other is left alone."""
        if tool_id in self._live:
            live, task = self._live[tool_id]
            if not live.ending:
                live.ending = why
                task.cancel()

    def cancel_all(self, why: str) -> None:
        for tool_id in tuple(self._live):
            self.cancel(tool_id, why)

    def send_again(self) -> None:
        """After an attach: whatever the ledger may not have."""
        for result in self._parts.journal.unaccepted():
            self._reports.send(result)
        for tool_id, (live, _) in self._live.items():
            if live.asking:
                self._reports.progress(tool_id, "asking")

    async def close(self, why: str) -> None:
        """End all that runs, and journal how it ended."""
        self.cancel_all(why)
        tasks = [task for _, task in self._live.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=CLOSING_SECONDS)

    def _begin(self, live: Live, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._live[live.message.tool_id] = (live, task)
        task.add_done_callback(lambda done: self._done(live, done))

    def _done(self, live: Live, task: asyncio.Task[None]) -> None:
        del self._live[live.message.tool_id]
        if task.cancelled():  # before its turn had come
            self._reports.end(live, _cancelled(live))
        else:
            task.result()

    async def _carried_out(self, live: Live) -> None:
        """From the order to its reported end; of two with effects, one ends before the next."""
        self._parts.audit.ordered(live.message)
        try:
            live.order = ordered(live.message, self._parts)
        except ToolFailure as failure:
            self._reports.end(live, failed(failure))
            return
        async with self._effects if live.order.effects else self._reads:
            try:
                outcome = await self._outcome(live)
            except asyncio.CancelledError:
                outcome = _cancelled(live)
            self._reports.end(live, outcome)

    async def _outcome(self, live: Live) -> ToolOutcome:
        """The tool boundary: whatever happens inside becomes an outcome."""
        try:
            # Once more, as the call before may have changed where this one runs.
            live.order = ordered(live.message, self._parts)
            return await self._decided(live, live.order)
        except ToolFailure as failure:
            return failed(failure)
        except JournalError as error:
            words = f"Not run: {error}. Only calls that read are possible."
            return unsuccessful("error", "journal", words)
        except Exception as error:
            words = f"{live.message.tool_name} broke: {type(error).__name__}: {error}"
            return unsuccessful("error", "internal", words)

    async def _decided(self, live: Live, order: Order) -> ToolOutcome:
        tool_id = live.message.tool_id

        def ask() -> None:
            live.asking = True
            self._reports.progress(tool_id, "asking")

        async def check() -> None:
            if order.check is not None:
                await order.check(self._context(live))

        async def losses() -> Losses:
            context = self._context(live)
            return await foretold(order.git, context.processes, context.workspace, tool_id)

        live.refused = await self._consent.refusal(tool_id, order.call, Asking(check, ask, losses))
        if live.asking:
            live.asking = False
            if live.refused is None:
                self._reports.progress(tool_id, "started")
        if live.refused is not None:
            return denied(live.refused)
        hit("after_policy")
        async with self._kept(live, order):
            self._parts.journal.begin(tool_id, effects=order.effects, files=order.files)
            hit("journal_received")
            live.began = time.monotonic()
            if live.shown:
                self._parts.view.show(CallStarted(tool_id, order.call.tool_name, live.title))
            return await self._run(live, order)

    def _kept(self, live: Live, order: Order) -> AbstractAsyncContextManager[None]:
        checkpoints = self._parts.checkpoints
        if checkpoints is None or not order.effects:
            return nullcontext()
        return checkpoints.kept(live.message.tool_id, order.call, live.title)

    def _context(self, live: Live) -> ToolContext:
        def emit(stream: Literal["stdout", "stderr"], text: str) -> None:
            if live.message.tool_id in self._live:
                self._reports.output(live, stream, text)

        return self._parts.context(live.message.tool_id, emit)

    async def _run(self, live: Live, order: Order) -> ToolOutcome:
        context = self._context(live)
        clock = asyncio.timeout(order.seconds)
        try:
            async with clock:
                return await order.run(context)
        except TimeoutError:
            if not clock.expired():
                raise
        words = f"Ended after {order.seconds:.0f} s, the time that such a call has."
        return unsuccessful("timeout", "timeout", words)

    async def _given_up(self, live: Live, *, files: bool) -> None:
        with contextlib.suppress(ToolFailure):  # a call of tools that are not here any more
            live.order = ordered(live.message, self._parts)
        try:
            await self._parts.end_survivors(live.message.tool_id)
        except OSError as error:
            outcome = _unknown_end(f"and what it left may still run: {error}")
        else:
            outcome = self._settling.outcome(live.message.tool_id) if files else None
            outcome = outcome or _unknown_end("nothing of it runs any more")
        self._reports.end(live, outcome)


def _cancelled(live: Live) -> ToolOutcome:
    return cancelled(live.ending or "the session was closed", started=live.began is not None)


def _unknown_end(why: str) -> ToolOutcome:
    words = f"It was started before; whether it did its work is not known ({why})."
    return unsuccessful("interrupted", "interrupted", words)
