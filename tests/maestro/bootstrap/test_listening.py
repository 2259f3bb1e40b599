"""The listening socket: what every accepted connection inherits."""

import asyncio
import socket
import sys

import pytest

from maestro.bootstrap.http import bound
from maestro.settings import Listen
from protocol.version import SILENT_SECONDS


@pytest.mark.skipif(sys.platform != "linux", reason="TCP_USER_TIMEOUT is Linux's")
async def test_a_stalled_peer_is_dropped_by_the_kernel_and_nothing_waits_for_more() -> None:
    accepted: asyncio.Future[tuple[int, int]] = asyncio.get_running_loop().create_future()

    def look(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        options = (socket.TCP_USER_TIMEOUT, socket.TCP_NODELAY)
        peer: socket.socket = writer.get_extra_info("socket")
        timeout, no_delay = (peer.getsockopt(socket.IPPROTO_TCP, option) for option in options)
        accepted.set_result((timeout, no_delay))
        writer.close()

    listener = bound(Listen(port=0))
    async with asyncio.timeout(20), await asyncio.start_server(look, sock=listener):
        _, writer = await asyncio.open_connection(*listener.getsockname())
        assert await accepted == (1000 * SILENT_SECONDS, 1)
        writer.close()
        await writer.wait_closed()
