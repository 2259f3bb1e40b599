"""Fold what a view is told into lines: those that stay, in order, and those that are live.

Knows neither clock nor terminal: both are told to it. Every text is made safe on its way.
"""

from typing import Literal, assert_never

from executor.view.calls import CallLines
from executor.view.cells import wrap
from executor.view.closing import Header, closing_lines, header_line
from executor.view.look import Look, Style
from executor.view.message import MessageStream
from executor.view.open_block import OpenBlock
from executor.view.plan import plan_lines
from executor.view.port import (
    CallFinished,
    CallOutput,
    CallStarted,
    Connection,
    Notice,
    RunSummary,
    Shown,
)
from executor.view.safe_text import safe_text
from executor.view.scrollback import Scrollback
from executor.view.status import StatusLine
from protocol.from_executor import UserMessage
from protocol.from_maestro import (
    AgentMessage,
    AgentMessageDelta,
    AgentReasoningDelta,
    ErrorReported,
    PlanUpdated,
    SessionStarted,
    StatusChanged,
    UsageCounted,
)
from protocol.wire import PlanStep

_REASONING_MAX = 400
_AIRY = 12
"""Rows of a terminal on which blank lines may be spent on the live region."""
_LEVELS: dict[Literal["info", "warning", "error"], Style] = {
    "info": "dim",
    "warning": "yellow",
    "error": "red",
}


class Layout:
    """What has been said, as far as it is not printed yet, and what goes on."""

    def __init__(self, look: Look, header: Header | None, hint: str) -> None:
        """`hint`: how to go on when the run is over."""
        self.scrollback = Scrollback(look)
        self._look = look
        self._hint = hint
        self._message = MessageStream()
        self._reasoning = ""
        self._calls = CallLines(look)
        self._plan: tuple[PlanStep, ...] = ()
        self._status = StatusLine()
        self._queued: list[tuple[str, str]] = []
        self._open_block = OpenBlock(look, self.scrollback)
        self.running = False
        """A run goes on: there is something live."""
        if header is not None:
            self.scrollback.add("head", lambda width: [header_line(header, look, width)])

    def begin(self, now: float) -> None:
        """A run begins; said again while it goes on, this changes nothing."""
        if not self.running:
            self.running = True
            self._status.begin(now)

    def show(self, shown: Shown, now: float) -> None:
        if not isinstance(shown, AgentMessageDelta | AgentReasoningDelta):
            self._cut()
        match shown:
            case SessionStarted():
                self.begin(now)
            case AgentMessageDelta() | AgentReasoningDelta() | AgentMessage():
                self._speak(shown)
            case UsageCounted(generation_id=generation_id):
                self._take_queued(generation_id)
            case CallStarted():
                self._calls.start(shown, now)
            case CallOutput():
                self._calls.output(shown)
            case CallFinished():
                self.scrollback.add("work", self._calls.finish(shown))
            case PlanUpdated(steps=steps):
                self._plan = steps
            case StatusChanged():
                if shown.status in ("pending", "running", "waiting"):
                    self.begin(now)
                self._status.status(shown, now)
            case Connection():
                self._status.link(shown, now)
                if shown.state == "moved":
                    self.scrollback.add_words(f"moved: {shown.why}", "yellow")
            case UserMessage(content=content):
                self._said(content)
            case Notice(text=text, level=level):
                self.scrollback.add_words(text, _LEVELS[level])
            case ErrorReported(code=code, message=message):
                self.scrollback.add_words(f"{code}: {message}", "red")
            case RunSummary():
                self._end(shown)
            case _:
                assert_never(shown)

    def take(self, width: int) -> list[str]:
        """What can be printed by now; to be asked for before `live`."""
        self._cut()
        return self.scrollback.take(width)

    def take_for_question(self, width: int) -> list[str]:
        """What is printed before a question, which stands apart."""
        self.scrollback.add("question", lambda _width: [], apart=True)
        return self.take(width)

    def finish(self) -> None:
        """Nothing more will come, whether or not the run is over."""
        self.scrollback.add_blocks(self._message.finish())
        self.running = False

    def live(self, now: float, spinner: str, width: int, height: int) -> list[str]:
        """What goes on, in at most `height` lines."""
        if not self.running:
            return []
        air = height >= _AIRY
        below = [self._look.row([(f"queued: {text}", "dim")], width) for _, text in self._queued]
        below = [*below[-2:], self._status.row(now, spinner, self._look, width)][-height:]
        if air:
            plan = plan_lines(self._plan, self._look, width, height // 3)
            below = ["", *plan, *below]
        calls = self._calls.live_lines(now, spinner, width, max(height - len(below), 0))
        if calls and self.scrollback.gap("work", apart=False) and air:
            calls = ["", *calls]
        text = self._text(width, height - len(below) - len(calls), air=air)
        return [*text, *calls, *below][-height:]

    def _cut(self) -> None:
        self.scrollback.add_blocks(self._message.cut())

    def _speak(self, said: AgentMessageDelta | AgentReasoningDelta | AgentMessage) -> None:
        self._take_queued(said.generation_id)
        if self._message.begin(said.generation_id):
            self.scrollback.add_words("the answer broke off; once more:", "dim")
            self._reasoning = ""
        match said:
            case AgentReasoningDelta(content=content):
                self._reasoning = f"{self._reasoning}{content}"[-_REASONING_MAX:]
                self._status.does("thinking")
            case AgentMessageDelta(generation_id=generation_id, content=content):
                self._message.delta(generation_id, content)
                self._reasoning = ""
                self._status.does("writing")
            case AgentMessage(generation_id=generation_id, content=content):
                blocks, anew = self._message.message(generation_id, content)
                if anew:
                    self.scrollback.add_words("the answer as it stands:", "dim")
                self.scrollback.add_blocks(blocks)
                self._reasoning = ""
                self._status.does("working")

    def _said(self, content: str) -> None:
        if self.running:
            self._queued.append((self._message.generation, content))
        else:
            self._print_said(content)

    def _print_said(self, content: str) -> None:
        mark = f"{self._look.marks.prompt} "
        self.scrollback.add_words(content, "bold", "words", mark)

    def _take_queued(self, generation_id: str) -> None:
        """A later generation than that of the moment they were said has read them."""
        for asked_at, content in [said for said in self._queued if said[0] < generation_id]:
            self._queued.remove((asked_at, content))
            self._print_said(content)

    def _end(self, summary: RunSummary) -> None:
        look, hint, plan = self._look, self._hint, self._plan
        self.scrollback.add_blocks(self._message.finish())
        if plan:
            self.scrollback.add(
                "note", lambda width: plan_lines(plan, look, width, len(plan)), apart=True
            )
        self.scrollback.add("end", lambda width: closing_lines(summary, look, width, hint))
        for _, content in self._queued:
            self._print_said(content)
        self._queued, self._plan, self._reasoning = [], (), ""
        self._calls.clear()
        self.running = False

    def _text(self, width: int, height: int, *, air: bool) -> list[str]:
        """The end of what the model is writing."""
        block = self._message.open_block
        if height < 1 or (block is None and not self._reasoning):
            return []
        if block is None:
            lines = wrap(safe_text(self._reasoning.strip()), width)[-2:]
            return [self._look.row([(line, "dim")], width) for line in lines][-height:]
        lines = self._open_block.lines(block.text, self._message.open_fence, width, height)
        gap = air and self.scrollback.gap("text", apart=block.apart)
        return ["", *lines] if gap and len(lines) < height else lines
