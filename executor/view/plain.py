"""Plain text for pipes, files and dumb terminals: the agent's words out, the work beside it.

The last message goes to standard output, everything else to standard error; asks nobody.
"""

from typing import TextIO

from executor.view.port import (
    Answer,
    CallFinished,
    Connection,
    Declined,
    Notice,
    Question,
    RunSummary,
    Shown,
)
from executor.view.safe_text import safe_line, safe_text
from executor.view.wording import call_line, summary_lines
from protocol.from_maestro import AgentMessage, ErrorReported, PlanUpdated, StatusChanged

_RETRY = "trying again in"
"""What a status says while the model is made to answer anew: the one long wait worth a line."""


class PlainView:
    """Lines as they come. What would ask is declined, because there is nobody to answer."""

    def __init__(self, out: TextIO, err: TextIO) -> None:
        self._out = out
        self._err = err
        self._said = ""
        """The last message so far: whether it is the answer shows in what follows."""

    def show(self, shown: Shown) -> None:
        match shown:
            case AgentMessage(content=content):
                self._tell(self._err)
                self._said = safe_text(content).rstrip()
            case CallFinished():
                self._tell(self._err)
                self._note(call_line(shown))
            case PlanUpdated(steps=steps):
                for step in steps:
                    self._note(f"[{step.status}] {step.title}")
            case ErrorReported(code=code, message=message):
                self._note(f"{code}: {message}")
            case Notice(text=text):
                self._note(text)
            case Connection(state="reconnecting", seconds=seconds, why=why):
                self._note(f"reconnecting for {seconds:.0f}s: {why}")
            case StatusChanged(step=step) if _RETRY in step:
                self._note(step)
            case RunSummary():
                self._tell(self._out)
                for line in summary_lines(shown):
                    self._note(line)
            case _:
                pass  # live text and usage: the whole follows

    def _note(self, text: str) -> None:
        self._err.write(f"{safe_line(text, 400)}\n")
        self._err.flush()

    async def ask(self, _question: Question, /) -> Answer:
        return Declined(unasked=True)

    def close(self) -> None:
        """Nothing to restore; a run without a proper end leaves what was said last."""
        self._tell(self._out)

    def _tell(self, where: TextIO) -> None:
        if self._said:
            where.write(f"{self._said}\n")
            where.flush()
            self._said = ""
