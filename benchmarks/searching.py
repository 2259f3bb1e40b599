"""One search by one tool, measured in this process: time, memory, and how soon it can be ended.

Knows nothing of the tree, and decides nothing about what is too slow.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from benchmarks.processes import MB, resident_mb, trees
from executor.process.processes import Processes
from executor.process.shells import Shells
from executor.process.survivors import marked
from executor.tool_context import Tool, ToolContext, ToolOutcome
from executor.tools import TOOLS
from executor.workspace import Workspace
from protocol.tools.contract import Parameters

LONGEST_S = 60.0
LOOK_S = 0.02
_CALL = "search"


class Case(msgspec.Struct, frozen=True):
    tool: str
    parameters: dict[str, object]
    ripgrep: str
    """The folder that it is in; empty for a search without it."""


class Finished(msgspec.Struct, frozen=True):
    seconds: float
    cpu_seconds: float
    """Of this process."""
    grown_mb: float
    """From before the search to the most that this process held."""
    partial: bool
    """It was broken off by time; that further rows can be asked for is not meant."""
    rows: int


class Watched(msgspec.Struct, frozen=True):
    """What the processes took that this one started, as far as looks every 20 ms tell."""

    cpu_seconds: float
    resident_mb: float
    """The most that they held at once."""


class _NothingRead:
    def note(self, path: str, digest: str) -> None:
        del path, digest

    def seen(self, path: str) -> str | None:
        del path
        return None


async def finished(root: Path, case: Case) -> Finished:
    """Let it come to its end."""
    async with _search(root, case) as search:
        _forget_the_peak()
        before, cpu, began = _memory_mb("VmRSS"), time.process_time(), time.perf_counter()
        outcome = await search
        return Finished(
            time.perf_counter() - began,
            time.process_time() - cpu,
            _memory_mb("VmHWM") - before,
            any(words in outcome.text for words in ("was stopped after", "took longer than")),
            sum(not line.startswith("[") for line in outcome.text.splitlines()),
        )


async def watched(root: Path, case: Case) -> Watched:
    """The same once more: looking costs time, so that its own means nothing."""
    cpu = resident = 0.0
    async with _search(root, case) as search:
        while not search.done():
            await asyncio.wait([search], timeout=LOOK_S)
            started = trees([os.getpid()])
            del started[os.getpid()]
            cpu = max(cpu, sum(one.cpu_s for one in started.values()))
            resident = max(resident, sum(map(resident_mb, started)))
    return Watched(cpu, resident)


async def cancelled(root: Path, case: Case, after: float) -> float:
    """Seconds from the cancellation, `after` seconds from its start, until it is over.

    Raises RuntimeError where a process outlives the call.
    """
    async with _search(root, case) as search:
        await asyncio.wait([search], timeout=after)
        began = time.perf_counter()
        search.cancel()
        await asyncio.wait([search])
        taken = time.perf_counter() - began
        if marked(f"{_owner()}.{_CALL}"):
            raise RuntimeError("a process outlives the search that was cancelled")
    return taken


@asynccontextmanager
async def _search(root: Path, case: Case) -> AsyncGenerator[asyncio.Task[ToolOutcome]]:
    """The call, which has begun."""
    tool = TOOLS[case.tool]
    parameters = msgspec.convert(case.parameters, tool.contract.parameters)
    workspace = Workspace(root)
    processes = Processes(_owner(), {"PATH": case.ripgrep or os.devnull})
    with tempfile.TemporaryDirectory(prefix="codegen-spill-") as spill:
        context = ToolContext(
            _CALL,
            workspace,
            processes,
            _NothingRead(),
            lambda _stream, _text: None,
            Path(spill),
            Shells(workspace),
        )
        try:
            async with asyncio.timeout(LONGEST_S):
                yield asyncio.create_task(_run(tool, parameters, context))
        finally:
            await processes.close()
            workspace.close()


async def _run(tool: Tool, parameters: Parameters, context: ToolContext) -> ToolOutcome:
    return await tool.run(parameters, context)


def _owner() -> str:
    return f"benchmark-{os.getpid()}"


def _forget_the_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")  # as proc(5) has it


def _memory_mb(name: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024 / MB
    return 0.0
