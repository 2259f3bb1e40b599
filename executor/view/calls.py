"""The tool calls of a run as lines: live with the tail of their output, then how they ended.

Makes painted lines; when they are drawn is not decided here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from executor.view.cells import cell_width, fit, pad
from executor.view.diff_lines import diff_lines
from executor.view.look import Look, Span, Style
from executor.view.port import CallFinished, CallOutput, CallStarted
from executor.view.safe_text import safe_line
from executor.view.wording import duration
from protocol.from_executor import ToolStatus
from protocol.wire import FileChange

NAME_CELLS = 10
"""Tool names are padded to this, so that what they work on stands in one column."""
_TAIL_MAX = 4000
"""Characters of a call's output that are kept."""
_LIVE_LINES = 3
_FAILED_LINES = 8
_STYLES: dict[ToolStatus, Style] = {
    "success": "green",
    "error": "red",
    "denied": "yellow",
    "timeout": "red",
    "cancelled": "dim",
    "interrupted": "yellow",
}


@dataclass(slots=True)
class _Live:
    started: CallStarted
    since: float
    tail: str = ""

    def add(self, text: str) -> None:
        self.tail = f"{self.tail}{text}"[-_TAIL_MAX:]

    def last(self, count: int) -> list[str]:
        """The last lines; one that was written over by a carriage return, as it was left."""
        lines = self.tail.replace("\r\n", "\n").rstrip().split("\n")
        shown = [line.rstrip("\r").rpartition("\r")[2].expandtabs(4) for line in lines]
        return [line for line in shown if line.strip()][-count:]


class CallLines:
    """The calls that run, in the order in which they began."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._live: dict[str, _Live] = {}

    def __len__(self) -> int:
        return len(self._live)

    def start(self, started: CallStarted, now: float) -> None:
        self._live[started.tool_id] = _Live(started, now)

    def output(self, output: CallOutput) -> None:
        live = self._live.get(output.tool_id)
        if live is not None:
            live.add(output.text)

    def clear(self) -> None:
        self._live.clear()

    def live_lines(self, now: float, spinner: str, width: int, height: int) -> list[str]:
        """Every running call, with as much of its output as `height` lines leave room for."""
        lives = list(self._live.values())[: max(height, 0)]
        if not lives:
            return []
        tail = min(_LIVE_LINES, height // len(lives) - 1)
        lines: list[str] = []
        for live in lives:
            seconds = now - live.since
            after: list[Span] = [(f"  {seconds:.0f}s", "dim")] if seconds >= 1 else []
            lines.append(self._row((f"{spinner} ", "cyan"), live.started, after, width))
            lines.extend(self._output(live, tail, width))
        hidden = len(self._live) - len(lives)
        if hidden:
            lines[-1] = self._look.row([(f"  and {hidden + 1} more calls", "dim")], width)
        return lines

    def finish(self, call: CallFinished) -> Callable[[int], list[str]]:
        """What stays, for a width: mark, title, figures, time; the diff; what went wrong."""
        live = self._live.pop(call.tool_id, None)
        mark: str = getattr(self._look.marks, call.status)
        after: list[Span] = []
        if call.changes:
            after += _figures(call.changes)
        if call.note:
            after.append((f"  {call.note}", "dim" if call.status == "success" else "yellow"))
        if call.seconds >= 0.05:
            after.append((f"  {duration(call.seconds)}", "dim"))

        def lines(width: int) -> list[str]:
            made = [self._row((f"{mark} ", _STYLES[call.status]), call, after, width)]
            if call.diff:
                made.extend(diff_lines(call.diff, self._look, width))
            if live is not None and _went_wrong(call):
                made.extend(self._output(live, _FAILED_LINES, width))
            return made

        return lines

    def _output(self, live: _Live, count: int, width: int) -> list[str]:
        if count < 1 or not live.tail:
            return []
        bar: Span = (f"  {self._look.marks.bar} ", "dim")
        return [self._look.row((bar, (line, "dim")), width) for line in live.last(count)]

    def _row(
        self, mark: Span, call: CallStarted | CallFinished, after: Sequence[Span], width: int
    ) -> str:
        """One line; when it is too long the title gives way, not what stands after it."""
        rest = safe_line(call.title.removeprefix(call.tool_name).strip())
        name = pad(call.tool_name, NAME_CELLS) if rest else call.tool_name
        taken = 3 + cell_width(name) + sum(cell_width(text) for text, _ in after)
        shown = fit(rest, max(width - taken, width // 3), self._look.marks.more)
        title: list[Span] = [(name, "bold"), (f" {shown}" if rest else "", "plain")]
        return self._look.row((mark, *title, *after), width)


def _went_wrong(call: CallFinished) -> bool:
    return call.status != "success" or bool(call.note)


def _figures(changes: Sequence[FileChange]) -> list[Span]:
    added = sum(change.added for change in changes)
    removed = sum(change.removed for change in changes)
    spans: list[Span] = [("  ", "plain")]
    if added or not removed:
        spans.append((f"+{added}", "green"))
    if removed:
        spans.append((f" -{removed}" if added else f"-{removed}", "red"))
    return spans
