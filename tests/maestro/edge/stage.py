"""A real edge on a real socket over a real ledger, with the test in the worker's place."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from websockets.asyncio.client import ClientConnection, unix_connect

from maestro.bootstrap.direct_socket import DirectSocket
from maestro.bootstrap.punctual_http import PunctualHttp
from maestro.bus.memory import MemoryBus
from maestro.bus.memory_limits import MemoryLimits
from maestro.domain.events import AnyEvent, StoredEvent, ToolAsked
from maestro.edge.app import create_app
from maestro.edge.dependencies import EdgeDependencies, EdgeLimits, TokenAuth
from maestro.edge.edge import Edge
from maestro.ledger.ledger import SqlLedger
from maestro.ledger.sqlite import open_sqlite
from maestro.ports import UNLIMITED, Appended, Bus, Claim, HeadMoved

Json = dict[str, Any]

MODEL = "known/model"
LIMITS = EdgeLimits(heads_seconds=0.05, touch_seconds=0.05)


class Peer:
    """A WebSocket client that speaks JSON."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def send(self, kind: str, payload: Json, **envelope: Any) -> None:
        await self.socket.send(json.dumps({"type": kind, "payload": payload, **envelope}))

    async def receive(self) -> Json:
        frame: Json = json.loads(await self.socket.recv())
        frame.pop("timestamp", None)
        return frame

    async def until(self, kind: str) -> Json:
        """The next frame of this type; the others before it are passed over."""
        while (frame := await self.receive())["type"] != kind:
            pass
        return frame

    async def handshake(self, **fields: Any) -> Json:
        """Send one and return the `session_started`."""
        await self.send("handshake", handshake(**fields), id=fields.pop("id", None))
        return await self.receive()

    async def closed(self) -> int | None:
        """Wait for the end; the close code."""
        await self.socket.wait_closed()
        return self.socket.close_code


def handshake(**fields: Any) -> Json:
    fields.pop("id", None)
    return {
        "client_type": "cli",
        "initial_prompt": "write a REST endpoint",
        "known_tools": ["Shell", "ReadFile"],
        "custom_tools": [],
        "project_spec": {"content": "", "file_paths": []},
        "journal_id": "journal-1",
        **fields,
    }


def call(tool_id: str, **fields: Any) -> ToolAsked:
    return ToolAsked(tool_id, "1-1-1", "Shell", {"command": "true"}, **fields)


def result(tool_id: str, **fields: Any) -> Json:
    answer = {"tool_id": tool_id, "status": "success", "result": "ok", "generation_id": "1-1-1"}
    return {**answer, **fields}


class Stage:
    """What a test sees of one process."""

    def __init__(self, edge: Edge, ledger: SqlLedger, path: Path, token: str) -> None:
        self.edge = edge
        self.ledger = ledger
        self.path = path
        self.token = token
        self.stepped: asyncio.Queue[str] = asyncio.Queue()

    @property
    def bus(self) -> Bus:
        return self.edge.dependencies.bus

    async def decide(self, session_id: str, *events: AnyEvent, tell: bool = True) -> int:
        """Append a decision as a worker does; the seq of its first row."""
        loaded = await self.ledger.load(session_id)
        assert loaded is not None
        row = loaded.row
        claim = Claim(session_id, "worker", row.decision, row.attempt, row.lost)
        outcome = await self.ledger.append_decision(session_id, events, claim, row.head)
        assert isinstance(outcome, Appended)
        if tell:
            rows = tuple(
                StoredEvent(outcome.seq + index, f"decision:{index}", event, loaded.row.now)
                for index, event in enumerate(events)
            )
            await self.bus.publish(session_id, HeadMoved(outcome.head, rows))
        return outcome.seq

    async def kinds(self, session_id: str) -> list[str]:
        """The kinds of the session's rows, in order."""
        loaded = await self.ledger.load(session_id)
        assert loaded is not None
        return [str(each.event.__struct_config__.tag) for each in loaded.events]

    @contextlib.asynccontextmanager
    async def connect(
        self, path: str = "/ws/v1/connect", *, token: str | None = None, **headers: str
    ) -> AsyncGenerator[Peer]:
        authorization = f"Bearer {token or self.token}"
        async with unix_connect(
            str(self.path),
            f"ws://localhost{path}",
            additional_headers={"Authorization": authorization, **headers},
            max_size=None,
        ) as socket:
            yield Peer(socket)

    def http(self, token: str | None = None) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(
            transport=httpx2.AsyncHTTPTransport(uds=str(self.path)),
            base_url="http://localhost",
            headers={"Authorization": f"Bearer {token or self.token}"},
        )


@contextlib.asynccontextmanager
async def stage(
    folder: Path, *, ledger: SqlLedger | None = None, **changes: Any
) -> AsyncGenerator[Stage]:
    """An edge that is served on a unix socket in `folder` until the block ends.

    `changes` are fields of its dependencies; `ledger` is closed at the end.
    """
    ledger = ledger or await open_sqlite(folder / "ledger.db")
    token = await ledger.accounts.create(f"user of {folder.name}")
    stepped: asyncio.Queue[str] = asyncio.Queue()
    dependencies = EdgeDependencies(
        ledger=ledger,
        bus=MemoryBus(),
        auth=TokenAuth(ledger.accounts),
        step=lambda session_id, _written: stepped.put_nowait(session_id),
        model_refusal=lambda name: None if name == MODEL else f"no model {name!r}",
        quotas=MemoryLimits(UNLIMITED),
        allowed_hosts=frozenset({"localhost"}),
        allowed_origins=frozenset({"https://console.example"}),
        limits=LIMITS,
        version="0.0.0",
    )
    edge = Edge(replace(dependencies, **changes))
    built = Stage(edge, ledger, folder / "edge.sock", token)
    built.stepped = stepped
    async with served(edge, built.path):
        yield built
    await ledger.close()


@contextlib.asynccontextmanager
async def served(edge: Edge, path: Path) -> AsyncGenerator[None]:
    config = uvicorn.Config(
        create_app(edge),
        uds=str(path),
        log_config=None,
        http=PunctualHttp,
        ws=DirectSocket,
        ws_max_size=4 * 1024 * 1024,
        ws_ping_interval=15,
        ws_ping_timeout=25,
        ws_per_message_deflate=False,
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # uvicorn has no event for it
        await asyncio.sleep(0.005)
        assert not serving.done()
    try:
        yield
    finally:
        server.should_exit = True
        await serving
