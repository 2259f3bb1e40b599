"""What is read of a socket: little at once, all of it charged, no more kept than may be."""

import asyncio
import contextlib
import struct

import pytest
from starlette.websockets import WebSocket, WebSocketDisconnect

from maestro.bootstrap.direct_socket import MAX_FRAGMENTS, SLICE_BYTES
from maestro.edge.line import Line
from maestro.edge.shares import BURST_SECONDS, FRAME_SECONDS, Shares
from tests.maestro.bootstrap.test_direct_socket import UPGRADE, talking
from tests.requirements import covers

PING = struct.pack(">BB", 0x89, 0x80) + bytes(4)
TINY = struct.pack(">BB", 0x81, 0x80 | 1) + bytes(4) + b"x"


class Clock:
    """It stands still unless the test moves it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def frame(opcode: int, *, last: bool) -> bytes:
    """An empty masked one."""
    return struct.pack(">BB", (0x80 if last else 0) | opcode, 0x80) + bytes(4)


async def opened(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(UPGRADE)
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


@covers("R-QUOTA-4")
@pytest.mark.parametrize(
    "small",
    [PING, TINY, frame(10, last=True), frame(1, last=False) + frame(0, last=True)],
    ids=["pings", "tiny messages", "pongs", "fragments"],
)
async def test_many_frames_that_come_in_one_read_are_charged_and_the_rest_waits(
    small: bytes,
) -> None:
    share = Shares(0.2, Clock()).of("mallory")
    sent = asyncio.Event()
    received = 0

    async def take(accepted: WebSocket) -> None:
        nonlocal received
        line = Line(accepted, send_seconds=5)
        assert line.meter(share)
        await accepted.send_text("go")
        async with asyncio.timeout(20):
            await sent.wait()
            while not share.waiting:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.05):
                        received += await line.receive() is not None

    async with talking(take) as port:
        reader, writer = await opened(port)
        await reader.readexactly(4)
        writer.write(small * (8 * SLICE_BYTES // len(small)))
        sent.set()

    writer.close()
    slices_that_fit = 1 + BURST_SECONDS / (FRAME_SECONDS * SLICE_BYTES / 7)
    assert share.wait > 0
    assert share.waiting == 0, "a socket that has gone waits no longer"
    assert received <= slices_that_fit * SLICE_BYTES / 7


async def test_what_waited_is_taken_when_its_owner_has_a_turn_and_in_order() -> None:
    clock = Clock()
    share = Shares(1.0, clock).of("ada")
    texts = [str(number) for number in range(5000)]
    received: list[str | None] = []

    async def take(accepted: WebSocket) -> None:
        line = Line(accepted, send_seconds=5)
        line.meter(share)
        await accepted.send_text("go")
        async with asyncio.timeout(20):
            while len(received) < len(texts):
                receiving = asyncio.create_task(line.receive())
                while not receiving.done():
                    clock.now += 1.001 * share.wait
                    await asyncio.sleep(0)
                received.append(await receiving)

    async with talking(take) as port:
        reader, writer = await opened(port)
        await reader.readexactly(4)
        for text in texts:
            writer.write(struct.pack(">BB", 0x81, 0x80 | len(text)) + bytes(4) + text.encode())

    writer.close()
    assert received == texts


async def test_a_message_of_endless_empty_pieces_ends_the_socket() -> None:
    async def take(accepted: WebSocket) -> None:
        with contextlib.suppress(WebSocketDisconnect):
            await accepted.receive_text()

    async with talking(take) as port:
        reader, writer = await opened(port)
        writer.write(frame(1, last=False) + frame(0, last=False) * (MAX_FRAGMENTS + 1))
        async with asyncio.timeout(20):
            closing = await reader.readexactly(4)

    writer.close()
    assert closing[0] == 0x88
    assert struct.unpack(">H", closing[2:])[0] == 1009
