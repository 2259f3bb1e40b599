"""A maestro that means ill: a real socket, hand-made frames, and a record of all it is told.

Sends whatever a test gives it, right or wrong; judges nothing.
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

SECONDS = 20.0
Json = dict[str, Any]


class Victim:
    """One attachment of an executor."""

    def __init__(self, socket: ServerConnection) -> None:
        self._socket = socket
        self._seq = 0
        self.heard: list[str] = []
        """Every frame of the executor, as it came."""
        self.results: dict[str, Json] = {}

    async def frame(self, kind: str) -> Json:
        """The next frame of this type; what comes before it is only recorded."""
        async with asyncio.timeout(SECONDS):
            while True:
                text = await self._socket.recv(decode=True)
                self.heard.append(text)
                frame: Json = json.loads(text)
                if frame["type"] == "tool_result":
                    self.results[frame["payload"]["tool_id"]] = frame["payload"]
                if frame["type"] == kind:
                    return frame

    async def raw(self, frame: str | bytes) -> None:
        await self._socket.send(frame)

    async def send(self, kind: str, payload: Any, **envelope: Any) -> None:
        await self.raw(json.dumps({"type": kind, "payload": payload, **envelope}))

    async def start(self, **facts: Any) -> Json:
        """Answer the handshake; what it said."""
        handshake = await self.frame("handshake")
        await self.send("session_started", {"session_id": "s1", "run_id": "r1", **facts})
        return handshake["payload"]

    async def order(self, tool_id: str, tool: str, parameters: Any, **extra: Any) -> None:
        """A `run_tool`; `extra` are further fields of its payload."""
        self._seq += 1
        payload = {
            "tool_name": tool,
            "tool_id": tool_id,
            "generation_id": "g1",
            "parameters": parameters,
            **extra,
        }
        await self.send("run_tool", payload, seq=self._seq)

    async def result(self, tool_id: str) -> Json:
        """What became of a call."""
        while tool_id not in self.results:
            await self.frame("tool_result")
        return self.results[tool_id]

    async def done(self, tool_id: str, tool: str, parameters: Any, **extra: Any) -> Json:
        await self.order(tool_id, tool, parameters, **extra)
        return await self.result(tool_id)

    async def finish(self) -> None:
        """End the run, so that a `codegen` with a prompt leaves."""
        payload = {"outcome": "success", "reason": "completed", "summary": ""}
        await self.send("run_finished", payload, seq=1_000_000)

    async def gone(self) -> None:
        async with asyncio.timeout(SECONDS):
            await self._socket.wait_closed()


class EvilMaestro:
    def __init__(self) -> None:
        self._victims: asyncio.Queue[Victim] = asyncio.Queue()
        self.port = 0
        self.victims = 0
        """How many have connected."""

    @property
    def address(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    async def victim(self) -> Victim:
        """The next executor that connects."""
        async with asyncio.timeout(SECONDS):
            return await self._victims.get()

    async def take(self, socket: ServerConnection) -> None:
        self.victims += 1
        self._victims.put_nowait(Victim(socket))
        await socket.wait_closed()


@asynccontextmanager
async def evil_maestro() -> AsyncGenerator[EvilMaestro]:
    maestro = EvilMaestro()
    async with serve(
        maestro.take, "127.0.0.1", 0, compression=None, max_size=None, max_queue=None
    ) as server:
        maestro.port = next(iter(server.sockets)).getsockname()[1]
        yield maestro
