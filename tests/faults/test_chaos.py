"""The proxy itself does to bytes what it is told to, on loopback and on unix sockets."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.faults.chaos import ChaosProxy, Cut, chaos

Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def echoing(listen: Path | None = None) -> AsyncGenerator[ChaosProxy]:
    """A proxy to a server that gives everything back."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(1024):
            writer.write(chunk)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server, chaos(server.sockets[0].getsockname(), listen=listen) as proxy:
        yield proxy


@asynccontextmanager
async def client(proxy: ChaosProxy) -> AsyncGenerator[Client]:
    scheme, _, rest = proxy.address.partition(":")
    if scheme == "unix":
        reader, writer = await asyncio.open_unix_connection(rest)
    else:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(rest.rpartition(":")[2]))
    try:
        async with asyncio.timeout(20):
            yield reader, writer
    finally:
        writer.close()


@pytest.mark.parametrize("on_unix", [True, False], ids=["unix", "loopback"])
async def test_bytes_arrive_as_they_are_and_are_kept(tmp_path: Path, on_unix: bool) -> None:
    listen = tmp_path / "chaos.sock" if on_unix else None
    async with echoing(listen) as proxy, client(proxy) as (reader, writer):
        proxy.up.slice, proxy.down.slice, proxy.down.latency = 1, 2, 0.001
        proxy.down.bytes_per_second = 100_000
        writer.write(b"hello")

        assert await reader.readexactly(5) == b"hello"
        assert (proxy.passed[0].up, proxy.passed[0].down) == (b"hello", b"hello")


async def test_each_connection_ends_where_its_cut_says_and_later_ones_do_not() -> None:
    async with echoing() as proxy:
        proxy.cuts += [Cut("up", 3), Cut("down", 2)]
        heard: list[bytes] = []
        for _ in range(2):
            async with client(proxy) as (reader, writer):
                writer.write(b"hello")
                heard.append(await reader.read())
        async with client(proxy) as (reader, writer):
            writer.write(b"hello")
            assert await reader.readexactly(5) == b"hello"

    assert (bytes(proxy.passed[0].up), heard[1]) == (b"hel", b"he")


async def test_a_reset_is_one() -> None:
    async with echoing() as proxy:
        proxy.cuts += [Cut("down", 2, reset=True)]
        async with client(proxy) as (reader, writer):
            writer.write(b"hello")
            with pytest.raises(ConnectionResetError):
                await reader.readexactly(5)


async def test_a_black_hole_takes_everything_and_closes_nothing() -> None:
    async with echoing() as proxy, client(proxy) as (reader, writer):
        writer.write(b"one")
        assert await reader.readexactly(3) == b"one"
        proxy.silence()
        writer.write(b"two")

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await reader.read(1)


async def test_whoever_comes_while_it_is_down_is_turned_away() -> None:
    async with echoing() as proxy:
        async with client(proxy) as (reader, writer):
            writer.write(b"one")
            assert await reader.readexactly(3) == b"one"
            proxy.go_down()
            assert await reader.read() == b""
        async with client(proxy) as (reader, _):
            assert await reader.read() == b""
        proxy.come_up()
        async with client(proxy) as (reader, writer):
            writer.write(b"two")
            assert await reader.readexactly(3) == b"two"
