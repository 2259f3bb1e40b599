"""A whole session over real files, with a view and tools that the test plays."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from executor.errors import ExecutorError
from executor.journal import Journal, create_journal
from executor.link import Endpoint, Link, Pace, endpoint
from executor.link.websocket import open_websocket
from executor.policy.call import PlannedCall
from executor.policy.verdict import Allow, Ask, Verdict
from executor.process.git_foretelling import GitCommand
from executor.process.processes import Processes
from executor.process.shells import Shells
from executor.session import NewSession, Session, SessionParts, SessionStart
from executor.session.parts import Emit
from executor.tool_context import Tool, ToolContext, ToolOutcome
from executor.view.port import Answer, Question, Shown
from executor.workspace import Workspace
from protocol.tools import BY_NAME
from protocol.tools.contract import ToolContract

ShownT = TypeVar("ShownT")

FAST = Pace(shortest=0.01, longest=0.05)


class PlayedView:
    """Remembers what it is shown; the test answers its questions."""

    def __init__(self) -> None:
        self.shown: list[Shown] = []
        self.questions: asyncio.Queue[Question] = asyncio.Queue()
        self.answers: asyncio.Queue[Answer] = asyncio.Queue()
        self.withdrawn: list[str] = []
        self._more = asyncio.Event()

    def show(self, shown: Shown) -> None:
        self.shown.append(shown)
        self._more.set()

    async def ask(self, question: Question) -> Answer:
        self.questions.put_nowait(question)
        try:
            return await self.answers.get()
        except asyncio.CancelledError:
            self.withdrawn.append(question.tool_id)
            raise

    def close(self) -> None:
        pass

    def all(self, kind: type[ShownT]) -> list[ShownT]:
        return [shown for shown in self.shown if isinstance(shown, kind)]

    async def until(self, kind: type[ShownT], fits: Callable[[ShownT], bool] = bool) -> ShownT:
        """Wait until something of this kind that fits has been shown."""
        async with asyncio.timeout(20):
            while True:
                for shown in self.all(kind):
                    if fits(shown) is not False:
                        return shown
                self._more.clear()
                await self._more.wait()


class PlayedTool:
    """Runs until the test lets it end; counts how often it was run."""

    def __init__(self, name: str) -> None:
        self._contract = BY_NAME[name]
        self.started: asyncio.Queue[tuple[Any, ToolContext]] = asyncio.Queue()
        self.outcomes: asyncio.Queue[ToolOutcome | Exception] = asyncio.Queue()
        self.runs = 0
        self.running = 0
        self.most_running = 0
        self.cancelled = 0

    @property
    def contract(self) -> ToolContract:
        return self._contract

    async def run(self, parameters: Any, context: ToolContext) -> ToolOutcome:
        self.runs += 1
        self.running += 1
        self.most_running = max(self.running, self.most_running)
        self.started.put_nowait((parameters, context))
        try:
            outcome = await self.outcomes.get()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def let_end(self, *texts: str) -> None:
        for text in texts:
            self.outcomes.put_nowait(ToolOutcome(text))


class NoReads:
    def note(self, path: str, digest: str) -> None:
        del path, digest

    def seen(self, path: str) -> str | None:
        del path


def ask_for_effects(call: PlannedCall) -> Verdict:
    return Allow() if call.effect == "read" else Ask("it has effects", remember="all of it")


def allow_all(call: PlannedCall) -> Verdict:
    del call
    return Allow()


def no_git(call: PlannedCall) -> tuple[GitCommand, ...]:
    del call
    return ()


@dataclass
class Rig:
    folder: Path
    journal: Journal
    view: PlayedView = field(default_factory=PlayedView)
    shell: PlayedTool = field(default_factory=lambda: PlayedTool("Shell"))
    read: PlayedTool = field(default_factory=lambda: PlayedTool("ReadFile"))
    survivors: list[str] = field(default_factory=list[str])
    remembered: list[Ask] = field(default_factory=list[Ask])
    keep_rule: Callable[[str], None] | None = None
    decide: Callable[[PlannedCall], Verdict] = allow_all
    git_within: Callable[[PlannedCall], tuple[GitCommand, ...]] = no_git
    pace: Pace = FAST
    processes: list[Processes] = field(default_factory=list[Processes])

    @classmethod
    def at(cls, folder: Path, server: str, session_id: str | None = None) -> "Rig":
        (folder / "project").mkdir(exist_ok=True)
        journal = create_journal(
            folder / "state", cwd=str(folder), server=server, session_id=session_id
        )
        return cls(folder, journal)

    def parts(self, where: Endpoint) -> SessionParts:
        tools: dict[str, Tool] = {"Shell": self.shell, "ReadFile": self.read}
        workspace = Workspace(self.folder / "project")
        processes = Processes(self.journal.journal_id, {})
        self.processes.append(processes)
        shells = Shells(workspace)

        def context(tool_id: str, emit: Emit) -> ToolContext:
            return ToolContext(tool_id, workspace, processes, NoReads(), emit, self.folder, shells)

        async def end_survivors(tool_id: str) -> None:
            self.survivors.append(tool_id)

        def decide(call: PlannedCall) -> Verdict:
            return self.decide(call)  # the test may change its mind

        return SessionParts(
            link=Link(where, open_websocket, pace=self.pace),
            journal=self.journal,
            view=self.view,
            workspace=workspace,
            tools=tools,
            decide=decide,
            git_within=self.git_within,
            remember=self.remembered.append,
            keep_rule=self.keep_rule,
            shells=shells,
            context=context,
            end_survivors=end_survivors,
        )


@asynccontextmanager
async def running(
    rig: Rig, address: str, start: SessionStart | None = None, **changes: Any
) -> AsyncGenerator[Session]:
    """The session at work; closed afterwards."""
    stop = bool(changes.pop("stop_when_parked", False))
    parts = msgspec.structs.replace(rig.parts(endpoint(address, "token-test-0000")), **changes)
    session = Session(parts, start or SessionStart(NewSession("do it")), stop_when_parked=stop)
    pump = asyncio.create_task(session.run())
    try:
        async with asyncio.timeout(10):
            yield session
    finally:
        await session.close()
        for processes in rig.processes:
            await processes.close()
        parts.workspace.close()
        with suppress(ExecutorError):
            await pump
