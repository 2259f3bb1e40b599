"""The proxy on real sockets: who is let through, to which address, with what, and for how long."""

import asyncio
import os
import socket
import stat
from pathlib import Path

import pytest

from executor.network.proxy import CONNECTIONS_MAX, REFUSED_MAX, TOLD_MAX, Times
from executor.network.requests import HEAD_MAX
from executor.network.socket_folder import SocketFolder
from tests.executor.network.servers import PUBLIC, World, proxied, said
from tests.executor.process.polling import until
from tests.requirements import covers

GET = b"GET http://a.example/x HTTP/1.1\r\nHost: a.example\r\n\r\n"
CONNECT = b"CONNECT a.example:443 HTTP/1.1\r\n\r\n"


def _status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


@covers("R-HOSTS-1")
async def test_a_plain_request_reaches_an_allowed_host(tmp_path: Path) -> None:
    world = World()
    async with proxied(tmp_path, world, "a.example") as (_, path):
        answer = await said(path, GET)
        await until(lambda: world.received)

    assert answer == world.answer
    assert world.received == [b"GET /x HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n"]
    assert world.dialled == [(PUBLIC, 80)]
    assert world.told == [("mark", "a.example", 80, "allowed")]


@covers("R-HOSTS-1")
async def test_a_tunnel_carries_whatever_is_sent_both_ways(tmp_path: Path) -> None:
    world = World(answer=bytes(range(256)) * 1000)
    async with proxied(tmp_path, world, "a.example") as (_, path):
        sent = b"\x16\x03\r\n\r\n" + b"\0\xff" * 100_000
        answer = await said(path, CONNECT + sent, then_end=True)
        await until(lambda: world.received)

    assert answer == b"HTTP/1.1 200 Connection established\r\n\r\n" + world.answer
    assert world.received == [sent]
    assert world.dialled == [(PUBLIC, 443)]


@covers("R-HOSTS-1", "R-HOSTS-4")
@pytest.mark.parametrize(
    ("request_", "shown"),
    [
        (b"CONNECT evil.example:443 HTTP/1.1\r\n\r\n", "evil.example:443"),
        (b"CONNECT a.example:22 HTTP/1.1\r\n\r\n", "a.example:22"),
        (b"CONNECT evila.example:443 HTTP/1.1\r\n\r\n", "evila.example:443"),
        (b"CONNECT a.example.evil.example:443 HTTP/1.1\r\n\r\n", "a.example.evil.example:443"),
        (b"CONNECT 93.184.216.34:443 HTTP/1.1\r\n\r\n", "93.184.216.34:443"),
        (b"CONNECT 127.0.0.1:80 HTTP/1.1\r\n\r\n", "127.0.0.1:80"),
        (b"CONNECT localhost:80 HTTP/1.1\r\n\r\n", "localhost:80"),
        (b"CONNECT [::1]:80 HTTP/1.1\r\n\r\n", "[::1]:80"),
        (b"CONNECT 169.254.169.254:80 HTTP/1.1\r\n\r\n", "169.254.169.254:80"),
        (b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n", "evil.example:80"),
    ],
)
async def test_a_host_that_is_not_allowed_is_refused_by_name_and_told(
    tmp_path: Path, request_: bytes, shown: str
) -> None:
    world = World()
    async with proxied(tmp_path, world, "a.example") as (proxy, path):
        answer = await said(path, request_)

    head, _, body = answer.partition(b"\r\n\r\n")
    reason = f"{shown} is not among the hosts that commands may reach"
    assert head.startswith(f"HTTP/1.1 403 Forbidden: {reason}\r\n".encode())
    assert body.startswith(f"codegen: {shown} is not among the hosts that commands".encode())
    assert b"The user can allow it:" in body
    assert world.dialled == []
    assert [verdict for *_, verdict in world.told] == ["refused"]
    assert len(proxy.refused("mark")) == 1
    assert proxy.refused("mark") == ()


async def test_what_a_rule_denies_is_refused_whatever_is_allowed(tmp_path: Path) -> None:
    world = World()
    async with proxied(tmp_path, world, "a.example", denied=("*.example",)) as (_, path):
        answer = await said(path, GET)

    assert b"a.example is denied by the rule WebFetch(*.example)" in answer
    assert world.dialled == []


@covers("R-HOSTS-3")
async def test_a_name_that_is_bound_anew_between_two_looks_gains_nothing(tmp_path: Path) -> None:
    world = World()
    world.names["a.example"] = [PUBLIC, "127.0.0.1"]
    async with proxied(tmp_path, world, "a.example") as (proxy, path):
        first, second = await said(path, GET), await said(path, GET)

    assert (_status(first), _status(second)) == (200, 403)
    assert b"a.example is 127.0.0.1, which is not on the public network" in second
    assert b"localhost" not in second  # what is said of pages does not help here
    assert world.dialled == [(PUBLIC, 80)]
    assert [verdict for *_, verdict in world.told] == ["allowed", "refused"]
    assert proxy.refused("mark") == ("a.example:80",)


@covers("R-HOSTS-2")
async def test_what_follows_a_plain_request_is_not_passed_on(tmp_path: Path) -> None:
    world = World()
    smuggled = b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n"
    async with proxied(tmp_path, world, "a.example") as (_, path):
        await said(path, GET + smuggled)
        with_body = GET.replace(b"\r\n\r\n", b"\r\nContent-Length: 4\r\n\r\nbody")
        await said(path, with_body + smuggled)
        await until(lambda: len(world.received) == 2)

    assert b"evil" not in b"".join(world.received)
    assert world.received[1].endswith(b"\r\n\r\nbody")
    assert {host for _, host, *_ in world.told} == {"a.example"}


@covers("R-HOSTS-2")
@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET http://a.example/ HTTP/1.1\r\nHost: b.example\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", 400),
        (b"CONNECT x@a.example:443 HTTP/1.1\r\n\r\n", 400),
        (
            b"POST http://a.example/ HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: x\r\n\r\n",
            411,
        ),
        (b"GET http://a.example/ HTTP/1.1\r\nX: " + b"a" * HEAD_MAX * 3, 431),
        (b"SSH-2.0-OpenSSH\r\n\r\n", 400),
    ],
)
async def test_what_is_not_understood_is_refused_before_anything_is_dialled(
    tmp_path: Path, request_: bytes, status: int
) -> None:
    world = World()
    async with proxied(tmp_path, world, "*.example", "a.example") as (_, path):
        answer = await said(path, request_)

    assert _status(answer) == status
    assert (world.dialled, world.told) == ([], [])


async def test_a_host_that_does_not_answer_is_told_as_that(tmp_path: Path) -> None:
    world = World()
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    async with proxied(tmp_path, world, "a.example") as (proxy, path):
        world.port = port
        answer = await said(path, GET)

    assert answer.startswith(b"HTTP/1.1 502 Bad Gateway: a.example:80 does not answer")
    assert world.told == [("mark", "a.example", 80, "allowed")]
    assert proxy.refused("mark") == ()


async def test_who_says_nothing_and_who_moves_nothing_is_let_go(tmp_path: Path) -> None:
    world = World(answer=b"")
    hold = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader
        await hold.wait()
        writer.close()

    world.serve = silent
    async with proxied(tmp_path, world, "a.example", times=Times(0.1, 5, 0.1)) as (_, path):
        assert await said(path, b"GET http://a.exam") == b""
        granted = b"HTTP/1.1 200 Connection established\r\n\r\n"
        assert await said(path, CONNECT) == granted
        assert await said(path, CONNECT + b"a little") == granted
        hold.set()


async def test_there_are_no_more_connections_at_once_than_a_bound(tmp_path: Path) -> None:
    patient = Times(linger=60)
    async with proxied(tmp_path, World(), "a.example", times=patient) as (_, path):
        held = [await asyncio.open_unix_connection(path) for _ in range(CONNECTIONS_MAX)]
        assert _status(await said(path, GET, then_end=True)) == 503
        held += [await asyncio.open_unix_connection(path) for _ in range(REFUSED_MAX)]
        assert await said(path, GET) == b""
        for _, writer in held:
            writer.close()
        async with asyncio.timeout(20):
            while not (await said(path, GET)).startswith(b"HTTP/1.1 200"):
                pass  # until it is noticed that they are closed


async def test_what_is_told_of_one_command_is_bounded(tmp_path: Path) -> None:
    world = World()
    async with proxied(tmp_path, world, "a.example") as (proxy, path):
        for number in range(TOLD_MAX + 5):
            request = f"CONNECT e{number}.example:443 HTTP/1.1\r\n\r\n".encode()
            assert _status(await said(path, request)) == 403
        await said(path, b"CONNECT e1.example:443 HTTP/1.1\r\n\r\n")

    assert len(world.told) == TOLD_MAX
    assert len(proxy.refused("mark")) == TOLD_MAX


async def test_a_command_that_has_ended_takes_its_connections_with_it(tmp_path: Path) -> None:
    world = World()
    async with proxied(tmp_path, world, "a.example") as (proxy, _):
        async with proxy.way_out("other") as path:
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(CONNECT)
            assert b"200" in await reader.readuntil(b"\r\n\r\n")
        async with asyncio.timeout(20):
            assert await reader.read() == b""
        writer.close()

        assert not Path(path).exists()


def test_sockets_lie_in_a_folder_of_ones_own_that_goes_with_its_process(tmp_path: Path) -> None:
    parent = tmp_path / ("long" * 30)
    left = parent / "way-out-left"
    left.mkdir(parents=True)
    (left / "1").touch()
    mine = SocketFolder(parent)
    other = SocketFolder(parent)

    assert not left.exists()
    assert stat.S_IMODE(mine.path.stat().st_mode) == 0o700
    with mine.listening() as (listener, path), listener:
        assert Path(path).is_socket()
    assert os.listdir(mine.path) == []
    mine.close()
    other.close()
    assert list(parent.iterdir()) == []
