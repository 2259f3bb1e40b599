"""The program before a command: it becomes the command, and leaves a way to the proxy behind."""

import asyncio
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from executor.network import forwarder
from tests.executor.network.servers import World, proxied
from tests.executor.process.polling import until

STATUS = "grep -E '^(SigIgn|SigBlk|PPid)' /proc/self/status"


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _argv(path: str, port: int, *command: bytes | str) -> list[bytes | str]:
    return [sys.executable, "-I", "-S", forwarder.__file__, path, str(port), *command]


def _ran(*command: bytes | str, port: int) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        _argv("/nowhere/1", port, *command),
        capture_output=True,
        env={"PATH": "/usr/bin:/bin", "ODD": "a=b"},
        restore_signals=True,
        check=False,
        timeout=10,
    )


def test_it_becomes_the_command_as_if_it_had_never_been_there(port: int) -> None:
    odd = b"caf\xe9 \xc3\xa9 *"

    ran = _ran("sh", "-c", 'printf %s "$1"; exit 7', "sh", odd, port=port)

    assert (ran.stdout, ran.stderr, ran.returncode) == (odd, b"", 7)


def test_the_command_has_its_environment_signals_and_handles(port: int) -> None:
    line = f"{STATUS} | grep Sig; env | sort | grep -v ^_; cd /proc/self/fd && echo *"
    plain = subprocess.run(
        ["/bin/sh", "-c", line],  # by its path, as ours: a start by name leaves other signals
        capture_output=True,
        env={"PATH": "/usr/bin:/bin", "ODD": "a=b"},
        check=True,
    )

    ran = _ran("sh", "-c", line, port=port)

    assert ran.stdout == plain.stdout
    assert b"ODD=a=b" in ran.stdout


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [("/no/such", 127, b"No such file"), ("/etc/passwd", 126, b"Permission denied")],
)
def test_a_command_that_is_none_ends_like_a_shells(
    port: int, command: str, code: int, words: bytes
) -> None:
    ran = _ran(command, port=port)

    assert ran.returncode == code
    assert words in ran.stderr


def test_a_port_that_is_taken_leaves_the_command_without_a_way(port: int) -> None:
    with socket.create_server(("127.0.0.1", port)):
        ran = _ran("echo", "fine", port=port)

    assert (ran.stdout, ran.returncode) == (b"fine\n", 0)
    assert b"sandbox: there is no way to the network" in ran.stderr


async def test_it_carries_both_ways_as_long_as_its_command_lives(tmp_path: Path, port: int) -> None:
    world = World(answer=os.urandom(3_000_000))
    sent = b"\r\n\r\n" + os.urandom(2_000_000)
    async with proxied(tmp_path, world, "a.example") as (_, path):
        process = await asyncio.create_subprocess_exec(
            *_argv(path, port, "sh", "-c", "echo begun; read end"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        assert await process.stdout.readline() == b"begun\n"
        async with asyncio.timeout(10):
            answers = await asyncio.gather(*(_through(port, sent) for _ in range(3)))
            await until(lambda: len(world.received) == 3)
        process.stdin.close()
        assert await process.wait() == 1
        # Nothing but the command holds its output, or listens when it has ended.
        async with asyncio.timeout(20):
            assert await process.stdout.read() == b""
        await until(lambda: not _listens(port))

    granted = b"HTTP/1.1 200 Connection established\r\n\r\n"
    assert all(answer == granted + world.answer for answer in answers)
    assert world.received == [sent] * 3


def test_what_was_sent_before_an_end_reaches_a_slow_reader_whole() -> None:
    sent = os.urandom(100_000)
    ended, command = os.pipe()
    client, inner = socket.socketpair()
    server, outer = socket.socketpair()
    inner.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    for sock in (inner, outer):
        sock.setblocking(False)
    carrier = forwarder.Carrier("nowhere", {}, ended)
    carrier.link(forwarder.Side(inner), forwarder.Side(outer), "")
    server.sendall(sent)
    server.close()

    carrying = threading.Thread(target=carrier.run)
    carrying.start()
    with client:
        client.settimeout(5)
        answer = b"".join(iter(lambda: client.recv(4096), b""))
    os.close(command)
    carrying.join(5)
    os.close(ended)

    assert answer == sent
    assert not carrying.is_alive()
    assert (inner.fileno(), outer.fileno()) == (-1, -1)


async def _through(port: int, sent: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"CONNECT a.example:443 HTTP/1.1\r\n\r\n" + sent)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    return answer


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except ConnectionRefusedError:
        return False
    return True
