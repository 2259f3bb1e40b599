"""A run's asyncio has no TLS until a link needs it, and then all of it."""

import asyncio
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve

from tests.requirements import covers
from tests.servers.certificates import self_signed

STARTED = """
import sys
from executor.late_tls import import_asyncio_without_tls

import_asyncio_without_tls()
import executor.cli.run

print("ssl" in sys.modules)
"""
SPOKEN = """
import sys
from pathlib import Path
from executor.late_tls import import_asyncio_without_tls

import_asyncio_without_tls()
import asyncio
from msgspec.structs import replace
from executor.link.endpoint import Endpoint, endpoint
from executor.link.socket import DialFailed
from executor.link.websocket import open_websocket

async def speak(door):
    try:
        socket = await open_websocket(door)
    except DialFailed as failed:
        return str(failed)
    await socket.send(b"ping")
    answer = await socket.receive()
    await socket.close()
    return answer

async def main():
    port, ca_file, way = sys.argv[1:]
    for host in ("localhost", "127.0.0.1", "localhost"):
        door = endpoint(f"wss://{host}:{port}", ca_file=Path(ca_file))
        print(await speak(replace(door, direct=way == "direct")))

async def ask_proxy():
    print(await speak(Endpoint("ws://maestro.test/", "ws://maestro.test", direct=False)))

asyncio.run(main() if len(sys.argv) > 1 else ask_proxy())
print(asyncio.base_events.ssl is asyncio.selector_events.ssl is asyncio.sslproto.ssl is not None)
"""


async def echo(connection: ServerConnection) -> None:
    async for frame in connection:
        await connection.send(frame)


@covers("R-PERF-1")
def test_a_run_loads_no_tls_before_it_speaks_it() -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", STARTED], capture_output=True, check=True, timeout=60
    )

    assert loaded.stdout == b"False\n"


@pytest.mark.parametrize("way", ["direct", "by the library for proxies"])
async def test_an_asyncio_without_tls_speaks_it_when_a_link_needs_it(
    way: str, tmp_path: Path
) -> None:
    folder, context = certified(tmp_path)
    # A proxy that is for other hosts still has the library make the connection.
    surroundings = {"https_proxy": "http://127.0.0.1:9", "no_proxy": "localhost,127.0.0.1"}
    async with serve(echo, "127.0.0.1", 0, ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        said = await told(surroundings, str(port), str(folder / "cert.pem"), way)

    first, refused, second, *whole = said
    assert (first, second, whole) == ("ping", "ping", ["True"])
    assert "certificate is not trusted" in refused


async def test_so_it_does_when_only_the_proxy_speaks_it(tmp_path: Path) -> None:
    _, context = certified(tmp_path)
    async with serve(echo, "127.0.0.1", 0, ssl=context) as proxy:
        port = proxy.sockets[0].getsockname()[1]
        refused, whole = await told({"http_proxy": f"https://localhost:{port}"})

    assert "certificate" in refused
    assert whole == "True"


def certified(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """Of a server that is `localhost`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    folder = self_signed("localhost", folder)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return folder, context


async def told(surroundings: dict[str, str], *arguments: str) -> list[str]:
    """The lines of a program that has imported asyncio without TLS."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SPOKEN, *arguments),
        env=surroundings,
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        said, _ = await process.communicate()
    return said.decode().splitlines()
