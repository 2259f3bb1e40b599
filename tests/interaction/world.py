"""Edge, worker and executor in one process over a real socket, as their programs wire them.

Starts the two composition roots beside a scripted model over real HTTP; wires nothing itself.
"""

import asyncio
import contextlib
import signal
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
from websockets.asyncio.client import connect

from executor.bootstrap.compose import Composed, Opening, composed
from executor.bootstrap.compose import World as Surroundings
from executor.bootstrap.project import Project
from executor.errors import ExecutorError
from executor.journal import find_journal
from executor.link import endpoint
from executor.session import RunOver, Session
from executor.settings import Folders
from executor.settings import Settings as ExecutorSettings
from executor.view.port import RunSummary
from maestro.bootstrap.serving import serve
from maestro.settings import Backends, Listen, ModelChoice, RunPolicy, Settings
from tests.executor.session.rig import PlayedView
from tests.maestro.edge.stage import Json, Peer
from tests.scripted_model import Recorded, Reply, Script, ScriptedModel

KEY = "sk-test-0000"
SECONDS = 5
"""For everything that a test waits for."""


@dataclass(frozen=True)
class Program:
    """One `codegen`: its session, and the view that the test plays."""

    composed: Composed
    view: PlayedView

    @property
    def session(self) -> Session:
        return self.composed.session

    @property
    def session_id(self) -> str:
        assert self.session.session_id is not None
        return self.session.session_id

    async def over(self) -> RunSummary:
        """The end of the run that goes on."""
        async with asyncio.timeout(SECONDS):
            over: RunOver = await self.session.run_over()
        assert isinstance(over, RunSummary)
        return over


@dataclass(frozen=True)
class World:
    """A maestro that listens, and the folder in which executors work."""

    folder: Path
    address: str
    model: ScriptedModel
    patience: float = 4 * SECONDS
    """Seconds for all that one program does."""

    @property
    def project(self) -> Path:
        return self.folder / "project"

    @asynccontextmanager
    async def connected(self, path: str = "/ws/v1/connect") -> AsyncGenerator[Peer]:
        """A raw WebSocket client."""
        async with connect(
            f"{self.address.replace('http', 'ws', 1)}{path}", compression=None, proxy=None
        ) as socket:
            async with asyncio.timeout(2 * SECONDS):
                yield Peer(socket)

    async def watched(self, session_id: str, after: int = 0) -> list[Json]:
        """What a viewer sees of a session from `after` on, up to the end of its first run."""
        async with self.connected(f"/ws/v1/sessions/{session_id}/watch?after={after}") as viewer:
            return await frames_until(viewer, "run_finished")

    async def rest(self, method: str, path: str) -> Any:
        async with httpx2.AsyncClient(base_url=self.address, trust_env=False) as client:
            response = await client.request(method, f"/api/v1/sessions{path}")
            response.raise_for_status()
            return response.json() if response.content else None

    @asynccontextmanager
    async def program(
        self,
        prompt: str = "do it",
        *,
        resume: str | None = None,
        trusted: bool = False,
        view: PlayedView | None = None,
        **settings: Any,
    ) -> AsyncGenerator[Program]:
        """A `codegen` at work in the project until the block ends.

        `settings` are the executor's; by default everything is allowed. `resume`: a session's id.
        """
        given: dict[str, Any] = {"mode": "auto", "no_sandbox": True, "server": self.address}
        folders = Folders(*(self.folder / name for name in ("config", "state", "runtime")))
        surroundings = Surroundings(
            Project(self.project, trusted=trusted),
            ExecutorSettings(**(given | settings)),
            folders,
            {"PATH": "/usr/bin:/bin", "HOME": str(self.folder), "GIT_CONFIG_NOSYSTEM": "1"},
            endpoint(self.address),
        )
        opening = Opening(prompt)
        if resume is not None:
            known = find_journal(folders.state, resume)
            opening = Opening(prompt, known and known.journal_id, resume)
        played = view or PlayedView()
        async with composed(opening, surroundings, played, attended=True) as made:
            if resume is not None:
                made.session.say(prompt)
            running = asyncio.create_task(made.session.run())
            try:
                async with asyncio.timeout(self.patience):
                    yield Program(made, played)
            finally:
                await made.session.close()
                with contextlib.suppress(ExecutorError):
                    await running


@asynccontextmanager
async def world(
    folder: Path,
    script: Script | Sequence[Reply] | Callable[[Recorded], Reply],
    *,
    redis_url: str | None = None,
    **run: Any,
) -> AsyncGenerator[World]:
    """A maestro in `folder`, answering with `script`; `run` are its RunPolicy's fields."""
    (folder / "project").mkdir()
    async with ScriptedModel(script, api_key=KEY) as model:
        settings = Settings(
            listen=Listen(port=0),
            auth="none",
            backends=Backends(redis_url=redis_url, state=folder / "maestro"),
            model=ModelChoice(
                model="openai/scripted",
                base_url=model.base_url,
                environment={"OPENAI_API_KEY": KEY},
            ),
            run=replace(RunPolicy(), **run),
        )
        listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        serving = asyncio.create_task(serve(settings, listening.set_result))
        await asyncio.wait({listening, serving}, return_when=asyncio.FIRST_COMPLETED)
        if not listening.done():
            await serving
        try:
            yield World(folder, await listening, model)
        finally:
            signal.raise_signal(signal.SIGTERM)  # as its operator ends it
            await serving


async def frames_until(peer: Peer, kind: str) -> list[Json]:
    """Every frame up to and with the first of this type."""
    frames: list[Json] = []
    while not frames or frames[-1]["type"] != kind:
        frames.append(await peer.receive())
    return frames


def last_user_words(request: Recorded) -> str:
    return str([one["content"] for one in request.messages if one["role"] == "user"][-1])


def tool_answers(request: Recorded) -> list[str]:
    """What the model read as results of its calls, in order."""
    return [str(one["content"]) for one in request.messages if one["role"] == "tool"]
