"""Keep `.codegen/plan.md` from the maestro's plan.

Writes that file, and with a project's first plan the rule by which git ignores it, where the folder
has none; what it says is never read back here.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

from executor.errors import OutsideWorkspace, ToolFailure
from executor.workspace import Workspace
from executor.workspace.files import MISSING
from protocol.wire import PlanStep

PATH = ".codegen/plan.md"
_IGNORE = ".codegen/.gitignore"
_IGNORED = b"/plan.md\n/.gitignore\n"
"""A session's plan belongs in no commit; what its user adds to the folder may well be in one."""
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
                await asyncio.to_thread(self._put, text)
                self._fails = False
            except ToolFailure as failure:
                if not self._fails:
                    self._failed(failure.message)
                self._fails = True

    def _put(self, text: str) -> None:
        workspace = self._workspace
        with workspace.exclusive():
            with suppress(OutsideWorkspace):  # a link: writing says what is wrong
                if not any(workspace.resolve(path).exists for path in (PATH, _IGNORE)):
                    workspace.write(_IGNORE, _IGNORED, MISSING)
            workspace.write(PATH, text.encode())
