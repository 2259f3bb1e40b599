"""A maestro in the test's hand: a real socket, the real protocol, and no mind of its own."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from websockets.asyncio.server import ServerConnection, serve

from protocol.connection import Connection
from protocol.from_executor import FromExecutor, Handshake
from protocol.from_maestro import Accepted, FromMaestro, RunTool, SessionStarted
from protocol.wire import Frame

MessageT = TypeVar("MessageT")


class Attachment:
    """One socket, from the maestro's side."""

    def __init__(self, socket: ServerConnection) -> None:
        self.socket = socket
        self.protocol = Connection("maestro")
        self.authorization = (
            "" if socket.request is None else socket.request.headers.get("Authorization", "")
        )

    async def frame(self) -> Frame[FromExecutor]:
        """The next frame of the executor."""
        async with asyncio.timeout(20):
            (frame,) = self.protocol.receive(await self.socket.recv(decode=True))
        assert isinstance(frame, Frame), frame
        return frame

    async def next(self, kind: type[MessageT]) -> MessageT:
        """The next message, which is of this kind."""
        message = (await self.frame()).message
        assert isinstance(message, kind), message
        return message

    async def send(self, message: FromMaestro, *, seq: int | None = None, **more: Any) -> None:
        await self.socket.send(self.protocol.send(message, seq=seq, **more), text=True)

    async def start(self, **facts: Any) -> Handshake:
        """Answer the handshake."""
        handshake = await self.next(Handshake)
        await self.send(SessionStarted("s1", "r1", **facts))
        return handshake

    async def run(
        self, tool: str, tool_id: str, seq: int | None = None, /, **parameters: Any
    ) -> None:
        await self.send(RunTool(tool, tool_id, "g1", parameters), seq=seq)

    async def accept(self, frame: Frame[FromExecutor]) -> None:
        """The ledger holds what this frame said."""
        await self.send(Accepted(id=frame.id))

    async def close(self, code: int = 1000, reason: str = "") -> None:
        await self.socket.close(code, reason)


class ScriptedMaestro:
    """Takes sockets and hands them to the test, one by one."""

    def __init__(self) -> None:
        self._sockets: asyncio.Queue[Attachment] = asyncio.Queue()
        self.port = 0

    @property
    def address(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    async def attachment(self) -> Attachment:
        async with asyncio.timeout(20):
            return await self._sockets.get()

    async def take(self, socket: ServerConnection) -> None:
        attachment = Attachment(socket)
        self._sockets.put_nowait(attachment)
        await socket.wait_closed()


@asynccontextmanager
async def scripted_maestro() -> AsyncGenerator[ScriptedMaestro]:
    maestro = ScriptedMaestro()
    async with serve(
        maestro.take,
        "127.0.0.1",
        0,
        compression=None,
        max_size=4 * 1024 * 1024,
        max_queue=None,
    ) as server:
        maestro.port = next(iter(server.sockets)).getsockname()[1]
        yield maestro
