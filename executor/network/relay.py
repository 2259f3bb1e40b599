"""Carry bytes between a client and the server it was let through to, or answer it with a no.

Ends with the server's end, or when nothing has moved for too long. Decides nothing.
"""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus

from executor.network.requests import Asked, Forward, Tunnel

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_CHUNK = 256 * 1024
_LINGER_MAX = 1024 * 1024
_REASON_MAX = 120


async def refuse(client: Streams, status: int, why: str, linger: float) -> None:
    """Say no so that programs show why: many print the first line only, some the body.

    What they still send is taken in for so many seconds: they would not read the answer else.
    """
    reader, writer = client
    phrase = HTTPStatus(status).phrase
    short = why.partition(" (")[0]  # what is allowed instead, and how, is in the body
    reason = "".join(letter for letter in short if " " <= letter <= "~")[:_REASON_MAX]
    body = f"codegen: {why}.\n".encode()
    head = (
        f"HTTP/1.1 {status} {phrase}: {reason}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    writer.write(head.encode() + body)
    await writer.drain()
    writer.write_eof()
    left = _LINGER_MAX
    with suppress(TimeoutError):
        async with asyncio.timeout(linger):
            while left > 0 and (chunk := await reader.read(_CHUNK)):
                left -= len(chunk)


async def pass_on(asked: Asked, client: Streams, remote: socket.socket, idle: float) -> None:
    """Carry both ways. Raises ConnectionError, TimeoutError."""
    remote.setblocking(False)
    _, writer = client
    try:
        far_reader, far_writer = await asyncio.open_connection(sock=remote, limit=_CHUNK)
    except asyncio.CancelledError:
        remote.close()
        raise
    try:
        match asked:
            case Tunnel():
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                left = None
            case Forward(head=head, body=body):
                far_writer.write(head)
                left = body
        await _both_ways(client, (far_reader, far_writer), left, idle)
    finally:
        far_writer.transport.abort()


async def _both_ways(near: Streams, far: Streams, left: int | None, idle: float) -> None:
    """`left`: how much the client may still send; None: whatever it likes."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(idle) as clock:

        def moved() -> None:
            if not clock.expired():
                clock.reschedule(loop.time() + idle)

        async def up() -> None:
            with suppress(ConnectionError):  # the server's end is read on the other way
                await _one_way(near[0], far[1], left, moved)

        sending = asyncio.create_task(up())
        try:
            await _one_way(far[0], near[1], None, moved)
        finally:
            sending.cancel()
            await asyncio.wait((sending,))


async def _one_way(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    left: int | None,
    moved: Callable[[], None],
) -> None:
    """To the end, or so many bytes: then whoever reads waits for no more of them."""
    while left is None or left > 0:
        chunk = await reader.read(_CHUNK if left is None else min(left, _CHUNK))
        moved()
        if not chunk:
            break
        left = None if left is None else left - len(chunk)
        writer.write(chunk)
        await writer.drain()
        moved()
    if left is None and writer.can_write_eof():
        writer.write_eof()
