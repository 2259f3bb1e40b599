"""Tell of a call: to the journal, to the maestro, to the view, to whoever counts.

Decides nothing and runs nothing.
"""

import time
from collections.abc import Callable
from typing import Literal

import msgspec

from executor.errors import JournalError
from executor.failpoints import hit
from executor.redaction import RedactedStream
from executor.session.live_output import LiveOutput
from executor.session.orders import Order, is_bootstrap
from executor.session.parts import SessionParts
from executor.session.results import Refused, note, wire_result, without_secrets
from executor.session.words import title, title_of
from executor.tool_context import ToolOutcome
from executor.view.port import CallFinished, CallOutput, Denial
from protocol.from_executor import ToolProgress, ToolResult
from protocol.from_maestro import RunTool


class Live(msgspec.Struct):
    """One call between its `run_tool` and its result."""

    message: RunTool
    order: Order | None = None
    asking: bool = False
    began: float | None = None
    """Monotonic; None: not started."""
    ending: str = ""
    """Why it is being cancelled."""
    refused: Refused | None = None
    output: LiveOutput | None = None
    streams: dict[Literal["stdout", "stderr"], RedactedStream] = msgspec.field(
        default_factory=dict[Literal["stdout", "stderr"], RedactedStream]
    )

    @property
    def shown(self) -> bool:
        """The calls that gather context are the maestro's own business."""
        return not is_bootstrap(self.message)

    @property
    def title(self) -> str:
        return title_of(self.message) if self.order is None else title(self.order.call)


class Answered(msgspec.Struct, frozen=True):
    """A call's end, for whoever counts."""

    result: ToolResult
    command: bool
    """It was one, and it ran."""
    denial: Denial | None = None


class Reports:
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

    def output(self, live: Live, stream: Literal["stdout", "stderr"], text: str) -> None:
        """Live output without secrets: shown, and sent while the network keeps up."""
        hit("mid_output")
        if stream not in live.streams:
            live.streams[stream] = RedactedStream(self._parts.redactor)
        self._pass_on(live, stream, live.streams[stream].feed(text))

    def _pass_on(self, live: Live, stream: Literal["stdout", "stderr"], text: str) -> None:
        if not text:
            return
        if live.shown:
            self._parts.view.show(CallOutput(live.message.tool_id, stream, text))
        if live.output is None:
            live.output = LiveOutput(live.message.tool_id, self._parts.link)
        live.output.feed(stream, text)

    def end(self, live: Live, outcome: ToolOutcome) -> None:
        """Journal the result, then send it, then tell whoever watches."""
        seconds = None if live.began is None else time.monotonic() - live.began
        for stream, held in live.streams.items():
            self._pass_on(live, stream, held.close())
        if live.output is not None:
            live.output.close()
        safe = without_secrets(outcome, self._parts.redactor)
        result = wire_result(live.message, safe, seconds)
        self._parts.audit.ended(result)
        order = live.order
        try:
            self._parts.journal.finish(result, effects=order is None or order.effects)
        except JournalError as error:
            self._journal_failed(error)
        hit("journal_finished")
        self.send(result)
        if not live.shown:
            return
        self._parts.view.show(
            CallFinished(
                tool_id=result.tool_id,
                tool_name=live.message.tool_name,
                title=live.title,
                status=result.status,
                seconds=seconds or 0.0,
                note=note(result, live.message.tool_name),
                changes=result.metadata.changes,
                diff=result.metadata.diff,
            )
        )
        command = order is not None and order.call.effect == "execute"
        ran = live.began is not None
        self._answered(Answered(result, command and ran, _denial(live)))

    def send(self, result: ToolResult) -> None:
        """While nobody is there, nothing: after the next attach the journal knows it."""
        if self._parts.link.attached:
            self._parts.link.send(result)

    def progress(self, tool_id: str, state: Literal["asking", "started"]) -> None:
        if self._parts.link.attached:
            self._parts.link.send(ToolProgress(tool_id, state))


def _denial(live: Live) -> Denial | None:
    if live.refused is None:
        return None
    return Denial(
        tool_name=live.message.tool_name,
        title=live.title,
        why=live.refused.why,
        for_want_of_terminal=live.refused.for_want_of_terminal,
    )
