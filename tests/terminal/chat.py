"""A conversation on this terminal with a session that only echoes, for the tests.

`python -m tests.terminal.chat FOLDER`; the word `slow` makes a run that ends by an interrupt.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from executor.cli.conversation import Conversation, Talk
from executor.cli.line_editor import LineEditor
from executor.cli.minutes import Minutes
from executor.cli.slash import COMMANDS, Slash
from executor.errors import SnapshotError
from executor.policy.verdict import Mode
from executor.view.closing import Header
from executor.view.look import look_of
from executor.view.opening import open_view
from executor.view.port import CallFinished, RunSummary, View
from executor.view.terminal import TerminalView
from protocol.from_executor import RunWishes
from protocol.from_maestro import AgentMessage, EndReason, Outcome, PlanUpdated, RunFinished
from protocol.wire import PlanStep, Usage

DIFF = "--- a.py\n+++ a.py\n@@ -1 +1 @@\n-old\n+new\n"


class EchoTalk:
    """Answers each message with itself and its wishes, after one edit and a plan."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._generation = 0
        self._over: asyncio.Future[RunSummary] = asyncio.get_running_loop().create_future()

    def say(self, text: str, *, run: RunWishes | None = None) -> None:
        if self._over.done():
            self._over = asyncio.get_running_loop().create_future()
        if text == "slow":
            return
        self._generation += 1
        wishes = f" ({run.model}, {run.mode})" if run is not None else ""
        self._view.show(PlanUpdated((PlanStep("echo", "done"),)))
        self._view.show(CallFinished("t", "Edit", "Edit a.py", "success", 0.1, diff=DIFF))
        self._view.show(AgentMessage(f"g{self._generation}", f"echo: {text}{wishes}"))
        self._end("success", "completed")

    def interrupt(self, reason: str = "") -> None:
        del reason
        self._end("interrupted", "interrupted")

    async def run_over(self) -> RunSummary:
        return await asyncio.shield(self._over)

    def _end(self, outcome: Outcome, reason: EndReason) -> None:
        usage = Usage(100, 0, 10, cost_usd=0.25)
        summary = RunSummary("s-1", RunFinished(outcome, reason), 1.0, usage)
        self._view.show(summary)
        self._over.set_result(summary)


class LocalFacts:
    def __init__(self) -> None:
        self._mode: Mode = "ask"

    def mode(self) -> Mode:
        return self._mode

    def set_mode(self, mode: Mode) -> None:
        self._mode = mode

    def model(self) -> str:
        return "scripted/one"

    def sessions(self) -> Sequence[str]:
        return ["s-0  an earlier one"]

    def patch(self) -> str:
        return ""

    def undo(self, argument: str) -> Sequence[str]:
        if argument:
            raise SnapshotError(f"there is no call {argument}")
        return ["restored a.py", "took back 1 file"]

    def redo(self, argument: str) -> Sequence[str]:
        return [f"did 1 file again{argument}"]

    def checkpoints(self) -> Sequence[str]:
        return ["1  Edit a.py"]


async def chat(folder: Path) -> None:
    view = open_view(
        "text",
        stdin=sys.stdin,
        stdout=sys.stdout,
        stderr=sys.stderr,
        environment=os.environ,
        header=Header("private maestro"),
        hint="codegen -c goes on from here",
    )
    assert isinstance(view, TerminalView)
    minutes = Minutes(view)

    async def open_session(text: str, run: RunWishes | None) -> Talk:
        talk = EchoTalk(minutes)
        talk.say(text, run=run)
        return talk

    look = look_of(os.environ, sys.stdout.encoding)
    editor = LineEditor(folder / "state" / "history", folder, tuple(COMMANDS), "> ")
    slash = Slash(minutes, LocalFacts(), look, view.put)
    try:
        await Conversation(view, editor, slash, open_session).run()
    finally:
        view.close()


if __name__ == "__main__":
    asyncio.run(chat(Path(sys.argv[1])))
