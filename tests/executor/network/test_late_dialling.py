"""Dialling off the loop: what comes too late is closed, and there is never too much of it."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from executor.network.late_dialling import DIALS_MAX, dialled
from executor.network.proxy import Times
from executor.network.reach import Reach, reach_of
from tests.executor.network.servers import World, proxied, said
from tests.executor.process.polling import until


class Slow:
    """Connects when it is told to, to a peer that sees whether it is closed."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.peers: list[socket.socket] = []
        self.reach = Reach(reach_of(["a.example"], []).entries, (), World().resolve, self.dial)

    def dial(self, address: str, port: int, seconds: float) -> socket.socket:
        del address, port, seconds
        ours, theirs = socket.socketpair()
        theirs.settimeout(5)
        self.peers.append(theirs)
        assert self.go.wait(10)
        return ours


@pytest.fixture
def slow() -> Iterator[Slow]:
    slow = Slow()
    yield slow
    slow.go.set()
    for thread in _dialling():
        thread.join(5)
    for peer in slow.peers:
        peer.close()


def _dialling() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("dial ")]


async def test_a_socket_that_nobody_waits_for_any_more_is_closed(slow: Slow) -> None:
    waiting = asyncio.create_task(dialled(slow.reach, "a.example", 443))
    await until(lambda: slow.peers)
    waiting.cancel()
    await asyncio.wait((waiting,))
    slow.go.set()

    await until(lambda: not _dialling())
    assert waiting.cancelled()
    assert await asyncio.to_thread(slow.peers[0].recv, 1) == b""


async def test_a_socket_that_comes_as_its_caller_gives_up_is_closed(slow: Slow) -> None:
    waiting = asyncio.create_task(dialled(slow.reach, "a.example", 443))
    await until(lambda: slow.peers)
    slow.go.set()
    for thread in _dialling():
        thread.join(5)
    asyncio.get_running_loop().call_soon(waiting.cancel)  # behind the answer, before who waits
    await asyncio.wait((waiting,))

    assert waiting.cancelled()
    assert await asyncio.to_thread(slow.peers[0].recv, 1) == b""


def test_a_loop_does_not_wait_for_a_name_service_to_end(slow: Slow) -> None:
    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await dialled(slow.reach, "a.example", 443)
        assert len(_dialling()) == 1

    asyncio.run(give_up())
    slow.go.set()
    for thread in _dialling():
        thread.join(5)
    assert slow.peers[0].recv(1) == b""


async def test_no_more_hosts_are_looked_for_at_once_than_a_bound(slow: Slow) -> None:
    waiting = [asyncio.create_task(dialled(slow.reach, "a.example", 443)) for _ in range(DIALS_MAX)]
    await until(lambda: len(slow.peers) == DIALS_MAX)
    with pytest.raises(OSError, match=f"more than {DIALS_MAX} hosts"):
        await dialled(slow.reach, "a.example", 443)

    slow.go.set()
    for sock in await asyncio.gather(*waiting):
        sock.close()
    (await dialled(slow.reach, "a.example", 443)).close()


async def test_a_host_that_is_not_found_in_time_is_told_as_that(tmp_path: Path, slow: Slow) -> None:
    world = World()
    world.connect = slow.dial
    async with proxied(tmp_path, world, "a.example", times=Times(5, 0.05, 5)) as (_, path):
        answer = await said(path, b"CONNECT a.example:443 HTTP/1.1\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 502 Bad Gateway: a.example:443 does not answer")
