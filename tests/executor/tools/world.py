"""One project in a temporary folder, and the tools at work in it.

Real files and processes; only the session around them is missing.
"""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest

from executor.clipboard.clipboard import NO_CLIPBOARD
from executor.errors import ToolFailure
from executor.process.kept import Unfinished, nothing_unfinished
from executor.process.processes import Processes
from executor.process.shells import Shells
from executor.tool_context import ToolContext, ToolOutcome
from executor.tools import TOOLS
from executor.web.pages import Pages
from executor.workspace import Workspace

OWNER = f"journal-{os.getpid()}"
MARK = f"{OWNER}.call-1"
"""What every process of a call carries, and of no other run of these tests."""
BY_NAME = dict(TOOLS)


class MemoryReads:
    """What the model has read, by path."""

    def __init__(self) -> None:
        self.digests: dict[str, str] = {}

    def note(self, path: str, digest: str) -> None:
        self.digests[path] = digest

    def seen(self, path: str) -> str | None:
        return self.digests.get(path)


class World:
    """A project, what was read of it, and what was shown live."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.root = folder / "project"
        self.root.mkdir()
        self.outside = folder / "outside"
        self.outside.mkdir()
        self.spill = folder / "spill"
        self.spill.mkdir(mode=0o700)
        self.workspace = Workspace(self.root)
        self.processes = Processes(OWNER, environment)
        self.reads = MemoryReads()
        self.shells = Shells(self.workspace)
        self.commit_trailer = ""
        self.pages = Pages()
        self.clipboard = NO_CLIPBOARD
        self.unfinished: Unfinished = nothing_unfinished
        self.live: list[tuple[str, str]] = []
        self.emitted = asyncio.Event()

    def file(self, path: str, content: str | bytes = "") -> Path:
        """A file of the project, folders on the way included."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        return target

    async def run(self, tool_name: str, **parameters: Any) -> ToolOutcome:
        """Run one tool with parameters as they come from JSON. Raises ToolFailure as it does."""
        tool = BY_NAME[tool_name]
        checked = msgspec.convert(parameters, tool.contract.parameters)
        return await tool.run(checked, self.context())

    def context(self) -> ToolContext:
        return ToolContext(
            "call-1",
            self.workspace,
            self.processes,
            self.reads,
            self._emit,
            self.spill,
            self.shells,
            commit_trailer=self.commit_trailer,
            pages=self.pages,
            clipboard=self.clipboard,
            unfinished=self.unfinished,
        )

    async def text(self, tool_name: str, **parameters: Any) -> str:
        return (await self.run(tool_name, **parameters)).text

    async def failure(self, tool_name: str, **parameters: Any) -> tuple[str, str]:
        """Code and message of the failure that the call must end in."""
        with pytest.raises(ToolFailure) as caught:
            await self.run(tool_name, **parameters)
        return caught.value.code, caught.value.message

    async def close(self) -> None:
        await self.processes.close()
        self.workspace.close()

    def _emit(self, stream: Literal["stdout", "stderr"], text: str) -> None:
        self.live.append((stream, text))
        self.emitted.set()
