"""Our own connection to Redis: who it says it is, and whose words it takes for replies."""

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from maestro.bus.redis_connection import RedisConnection, ResponseError
from maestro.errors import BusUnavailable
from tests.servers.redis_server import RedisServer

HELLO = b"%1\r\n$5\r\nproto\r\n:3\r\n"


@asynccontextmanager
async def saying(
    *answers: bytes, tls: ssl.SSLContext | None = None
) -> AsyncGenerator[tuple[int, list[bytes]]]:
    """A port that answers each thing it hears with the next of `answers`; and what it heard."""
    heard: list[bytes] = []
    left = list(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(65536):
            heard.append(piece)
            writer.write(left.pop(0) if left else b"")
            if not left:
                break
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    async with asyncio.timeout(20):
        yield server.sockets[0].getsockname()[1], heard
    server.close()


async def asked(url: str, *commands: tuple[str, ...]) -> list[object]:
    connection = RedisConnection(url)
    try:
        return await connection.call(commands, seconds=2)
    finally:
        await connection.close()


async def test_the_password_and_the_database_of_an_address_are_used(
    own_server: RedisServer,
) -> None:
    async with asyncio.timeout(20):
        await asked(own_server.url, ("CONFIG", "SET", "requirepass", "open sesame"))
        with pytest.raises(BusUnavailable, match="NOAUTH"):
            await asked(own_server.url, ("PING",))
        with pytest.raises(BusUnavailable, match="WRONGPASS") as failed:
            await asked(own_server.url.replace("://", "://:wrong@"), ("PING",))
        with_password = own_server.url.replace("://", "://:open%20sesame@")
        await asked(with_password + "?db=3", ("SET", "k", "of three"))

        assert await asked(with_password, ("GET", "k")) == [None]
        assert await asked(with_password + "?db=3", ("GET", "k")) == [b"of three"]
    assert "wrong" not in str(failed.value)


async def test_a_user_of_an_address_is_named_over_tcp() -> None:
    async with saying(HELLO + b"+OK\r\n", b":7\r\n") as (port, heard):
        assert await asked(f"redis://ann:pw@127.0.0.1:{port}/2", ("INCR", "k")) == [7]

    words = [word for word in b"".join(heard).split(b"\r\n") if not word.startswith((b"*", b"$"))]
    assert words[:-1] == [*b"HELLO 3 AUTH ann pw SELECT 2 INCR k".split(b" ")]


async def test_tls_is_spoken_and_whom_nobody_vouches_for_is_not_trusted(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-days", "2"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"),
        ],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")

    async with saying(HELLO, b"+PONG\r\n", tls=tls) as (port, _):
        with pytest.raises(BusUnavailable):
            await asked(f"rediss://127.0.0.1:{port}", ("PING",))
        trusting = f"rediss://127.0.0.1:{port}?ssl_ca_certs={tmp_path}/cert.pem"

        assert await asked(trusting, ("PING",)) == [b"PONG"]


async def test_a_refused_command_is_one_reply_among_the_others() -> None:
    async with saying(HELLO, b":1\r\n-NOPERM no such thing\r\n_\r\n#f\r\n") as (port, _):
        commands = [("A",), ("B",), ("C",), ("D",)]
        one, refused, none, false = await asked(f"redis://127.0.0.1:{port}", *commands)

    assert (one, none, false) == (1, None, False)
    assert isinstance(refused, ResponseError)


async def test_what_redis_tells_unasked_is_no_reply() -> None:
    async with saying(HELLO, b">2\r\n+invalidate\r\n_\r\n:5\r\n") as (port, _):
        assert await asked(f"redis://127.0.0.1:{port}", ("A",)) == [5]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "ConnectionError"),
        (HELLO + b"+more than was asked\r\n", "ConnectionError"),
        (b"", "ConnectionResetError"),
    ],
)
async def test_whoever_does_not_speak_as_redis_does_is_left(answer: bytes, why: str) -> None:
    async with saying(answer) as (port, _):
        with pytest.raises(BusUnavailable, match=f"Redis is away: {why}$"):
            await asked(f"redis://127.0.0.1:{port}", ("PING",))


async def test_replies_in_any_pieces_are_put_together() -> None:
    whole = b"*2\r\n$4\r\na\r\nb\r\n%1\r\n+k\r\n*1\r\n:3\r\n"
    done = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"HELLO\r\n$1\r\n3\r\n")
        writer.write(HELLO)
        await reader.readuntil(b"GO\r\n")
        for byte in whole:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0)
        await done.wait()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with asyncio.timeout(20):
        assert await asked(f"redis://127.0.0.1:{port}", ("GO",)) == [[b"a\r\nb", {b"k": [3]}]]
    done.set()
    server.close()
