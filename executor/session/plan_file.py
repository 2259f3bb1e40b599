"""Keep `.codegen/plan.md` from the maestro's plan.

Writes one file; what it says is never read back here.
"""

import asyncio
import time
from collections.abc import Callable

from executor.errors import ToolFailure
from executor.workspace import Workspace
from protocol.wire import PlanStep

PATH = ".codegen/plan.md"
_BOXES = {"pending": "[ ]", "active": "[>]", "done": "[x]", "skipped": "[-]"}


def plan_text(session_id: str, steps: tuple[PlanStep, ...], at: float) -> str:
    """The plan as Markdown; its head says whose it is, so that another session can tell."""
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
    lines = [f"<!-- session {session_id}, {when} -->", "# Plan", ""]
    lines += [f"- {_BOXES[step.status]} {' '.join(step.title.split())}" for step in steps]
    return "\n".join(lines) + "\n"


class PlanFile:
    """The latest plan wins; a slow disk holds up nothing."""

    def __init__(self, workspace: Workspace, failed: Callable[[str], None]) -> None:
        """`failed` is told why, once until it works again."""
        self._workspace = workspace
        self._failed = failed
        self._fails = False
        self._next: str | None = None
        self._writing: asyncio.Task[None] | None = None

    def keep(self, text: str) -> None:
        self._next = text
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())

    async def close(self) -> None:
        """Wait for what is being written."""
        if self._writing is not None:
            await self._writing

    async def _write(self) -> None:
        while self._next is not None:
            text, self._next = self._next, None
            try:
                await asyncio.to_thread(self._workspace.write, PATH, text.encode())
                self._fails = False
            except ToolFailure as failure:
                if not self._fails:
                    self._failed(failure.message)
                self._fails = True
