"""The calls of a session: each taken once, decided, journalled, carried out, answered.

Calls that only read run side by side, the others one at a time in their order of arrival. Nothing
here waits on the path that frames come in by.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Literal, assert_never

from executor.errors import JournalError, ToolFailure
from executor.journal import Accepted, Finished, Running, StartedByGoneProcess, Unknown
from executor.session.consent import Consent
from executor.session.orders import Order, is_bootstrap, ordered
from executor.session.parts import SessionParts
from executor.session.results import (
    Refused,
    cancelled,
    denied,
    failed,
    note,
    unsuccessful,
    wire_result,
)
from executor.session.words import title
from executor.tool_context import ToolOutcome
from executor.view.port import CallFinished, CallOutput, CallStarted, Denial
from protocol.from_executor import ToolOutputDelta, ToolProgress, ToolResult
from protocol.from_maestro import RunTool

MAX_CALLS = 64
MAX_READS = 16
CLOSING_SECONDS = 5.0
DELTA_CHARACTERS = 16 * 1024
DELTA_BACKLOG_BYTES = 256 * 1024
"""With so much waiting to be sent, live output is dropped: the result has it."""


@dataclass(slots=True)
class Live:
    """One call between its `run_tool` and its result."""

    message: RunTool
    order: Order | None = None
    asking: bool = False
    began: float | None = None
    """Monotonic; None: not started."""
    ending: str = ""
    """Why it is being cancelled."""
    refused: Refused | None = None
    deltas: int = 0

    @property
    def shown(self) -> bool:
        """The calls that gather context are the maestro's own business."""
        return not is_bootstrap(self.message)

    @property
    def title(self) -> str:
        return self.message.tool_name if self.order is None else title(self.order.call)


@dataclass(frozen=True, slots=True)
class Answered:
    """A call's end, for whoever counts."""

    result: ToolResult
    ran: bool
    command: bool
    denial: Denial | None = None


class Calls:
    def __init__(
        self,
        parts: SessionParts,
        *,
        answered: Callable[[Answered], None],
        journal_failed: Callable[[JournalError], None],
    ) -> None:
        """`answered` is not told of the calls that gather context."""
        self._parts = parts
        self._answered = answered
        self._journal_failed = journal_failed
        self._consent = Consent(parts)
        self._reads = asyncio.Semaphore(MAX_READS)
        self._effects = asyncio.Lock()
        self._live: dict[str, tuple[Live, asyncio.Task[ToolOutcome]]] = {}

    def take(self, message: RunTool) -> None:
        """Begin a call, or answer one that is known. Never runs one twice."""
        if message.tool_id in self._live:
            return
        match state := self._parts.journal.call(message.tool_id):
            case Unknown() if len(self._live) >= MAX_CALLS:
                words = f"Refused: {MAX_CALLS} calls are under way already."
                self._end(Live(message), unsuccessful("error", "too_many_calls", words))
            case Unknown():
                live = Live(message)
                self._begin(live, self._carried_out(live))
            case Running():
                pass
            case Finished(result=result):
                self._send(result)
            case Accepted():
                self._end(Live(message), _unknown_end("its result was accepted before"))
            case StartedByGoneProcess():
                live = Live(message)
                self._begin(live, self._given_up(live))
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
            self._send(result)
        for tool_id, (live, _) in self._live.items():
            if live.asking:
                self._progress(tool_id, "asking")

    async def close(self, why: str) -> None:
        """End all that runs, and journal how it ended."""
        self.cancel_all(why)
        tasks = [task for _, task in self._live.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=CLOSING_SECONDS)

    def _begin(self, live: Live, work: Coroutine[None, None, ToolOutcome]) -> None:
        task = asyncio.create_task(work)
        self._live[live.message.tool_id] = (live, task)
        task.add_done_callback(lambda done: self._done(live, done))

    def _done(self, live: Live, task: asyncio.Task[ToolOutcome]) -> None:
        del self._live[live.message.tool_id]
        if task.cancelled():
            why = live.ending or "the session was closed"
            self._end(live, cancelled(why, started=live.began is not None))
        else:
            self._end(live, task.result())

    async def _carried_out(self, live: Live) -> ToolOutcome:
        """The tool boundary: whatever happens inside becomes an outcome."""
        try:
            live.order = ordered(live.message, self._parts)
            async with self._effects if live.order.effects else self._reads:
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
            self._progress(tool_id, "asking")

        live.refused = await self._consent.refusal(tool_id, order.call, ask)
        if live.asking:
            live.asking = False
            if live.refused is None:
                self._progress(tool_id, "started")
        if live.refused is not None:
            return denied(live.refused)
        self._parts.journal.begin(tool_id, effects=order.effects)
        live.began = time.monotonic()
        if live.shown:
            self._parts.view.show(CallStarted(tool_id, order.call.tool_name, live.title))
        return await self._run(live, order)

    async def _run(self, live: Live, order: Order) -> ToolOutcome:
        def emit(stream: Literal["stdout", "stderr"], text: str) -> None:
            self._emit(live, stream, text)

        context = self._parts.context(live.message.tool_id, emit)
        clock = asyncio.timeout(order.seconds)
        try:
            async with clock:
                return await order.run(context)
        except TimeoutError:
            if not clock.expired():
                raise
        words = f"Ended after {order.seconds:.0f} s, the time that such a call has."
        return unsuccessful("timeout", "timeout", words)

    async def _given_up(self, live: Live) -> ToolOutcome:
        try:
            await self._parts.end_survivors(live.message.tool_id)
        except OSError as error:
            return _unknown_end(f"and what it left may still run: {error}")
        return _unknown_end("nothing of it runs any more")

    def _emit(self, live: Live, stream: Literal["stdout", "stderr"], text: str) -> None:
        tool_id, link = live.message.tool_id, self._parts.link
        if tool_id not in self._live:
            return
        if live.shown:
            self._parts.view.show(CallOutput(tool_id, stream, text))
        for start in range(0, len(text), DELTA_CHARACTERS):
            index, live.deltas = live.deltas, live.deltas + 1
            if link.attached and link.waiting_bytes < DELTA_BACKLOG_BYTES:
                part = text[start : start + DELTA_CHARACTERS]
                link.send(ToolOutputDelta(tool_id, index, stream, part))

    def _end(self, live: Live, outcome: ToolOutcome) -> None:
        """Journal the result, then send it, then tell whoever watches."""
        seconds = None if live.began is None else time.monotonic() - live.began
        result = wire_result(live.message, outcome, seconds)
        order = live.order
        try:
            self._parts.journal.finish(result, effects=order is None or order.effects)
        except JournalError as error:
            self._journal_failed(error)
        self._send(result)
        if not live.shown:
            return
        self._parts.view.show(
            CallFinished(
                tool_id=result.tool_id,
                tool_name=live.message.tool_name,
                title=live.title,
                status=result.status,
                seconds=seconds or 0.0,
                note=note(result),
                changes=result.metadata.changes,
                diff=result.metadata.diff,
            )
        )
        ran = live.began is not None
        command = ran and order is not None and order.call.effect == "execute"
        self._answered(Answered(result, ran, command, _denial(live)))

    def _send(self, result: ToolResult) -> None:
        if self._parts.link.attached:
            self._parts.link.send(result)

    def _progress(self, tool_id: str, state: Literal["asking", "started"]) -> None:
        if self._parts.link.attached:
            self._parts.link.send(ToolProgress(tool_id, state))


def _unknown_end(why: str) -> ToolOutcome:
    words = f"It was started before; whether it did its work is not known ({why})."
    return unsuccessful("interrupted", "interrupted", words)


def _denial(live: Live) -> Denial | None:
    if live.refused is None:
        return None
    return Denial(
        tool_name=live.message.tool_name,
        title=live.title,
        why=live.refused.why,
        for_want_of_terminal=live.refused.for_want_of_terminal,
    )
