"""Connections of our own to a provider: used again, made again, bounded, and HTTP or nothing."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from maestro.errors import ModelError
from maestro.llm.connection import MAX_HEAD
from maestro.llm.direct import DirectTransport, is_direct
from maestro.llm.providers import Endpoint, Quirks
from maestro.llm.timeouts import Timeouts

STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
WHOLE = STREAM + b"Content-Length: 4\r\n\r\nbody"
CHUNKED = STREAM + b"Transfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n"


@dataclass
class Provider:
    """Answers the requests of all its connections with one script of raw bytes after the other."""

    connections: int = 0
    closes_after: frozenset[int] = frozenset()
    """Numbers of answers, from 0, behind which the connection is closed."""
    answers: list[bytes] = field(default_factory=list[bytes])
    requests: list[bytes] = field(default_factory=list[bytes])
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while (head := await reader.readuntil(b"\r\n\r\n")) and self.answers:
                await reader.readexactly(2)
                number = len(self.requests)
                self.requests.append(head)
                writer.write(self.answers.pop(0))
                await writer.drain()
                if number in self.closes_after:
                    break
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client has closed it
        finally:
            writer.close()
            self.ended.set()


@asynccontextmanager
async def answering(
    answers: Sequence[bytes], closes_after: Sequence[int] = ()
) -> AsyncGenerator[tuple[Provider, DirectTransport]]:
    provider = Provider(answers=list(answers), closes_after=frozenset(closes_after))
    server = await asyncio.start_server(provider.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    endpoint = Endpoint("openai", f"http://127.0.0.1:{port}/v1", "sk-test", Quirks(), {})
    transport = DirectTransport(endpoint, Timeouts())
    try:
        async with asyncio.timeout(20):
            yield provider, transport
    finally:
        await transport.close()
        server.close()


async def body_from(transport: DirectTransport) -> bytes:
    async with transport.post("/chat/completions", b"{}") as pieces:
        return b"".join([piece async for piece in pieces])


async def failure_from(transport: DirectTransport) -> ModelError:
    with pytest.raises(ModelError) as failed:
        await body_from(transport)
    return failed.value


async def test_one_connection_serves_one_request_after_the_other() -> None:
    async with answering([WHOLE, CHUNKED, WHOLE]) as (provider, transport):
        bodies = [await body_from(transport) for _ in range(3)]

    assert bodies == [b"body"] * 3
    assert provider.connections == 1
    first = provider.requests[0].decode()
    assert first.startswith("POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:")
    assert "\r\nAuthorization: Bearer sk-test\r\n" in first


async def test_a_kept_connection_that_was_closed_meanwhile_is_made_again() -> None:
    async with answering([WHOLE, WHOLE], closes_after=[0]) as (provider, transport):
        await body_from(transport)
        await provider.ended.wait()
        again = await body_from(transport)

    assert (again, provider.connections, len(provider.requests)) == (b"body", 2, 2)


async def test_an_interim_answer_is_passed_over() -> None:
    async with answering([b"HTTP/1.1 100 Continue\r\n\r\n" + WHOLE]) as (_, transport):
        assert await body_from(transport) == b"body"


async def test_a_body_without_a_length_ends_with_its_connection() -> None:
    async with answering([STREAM + b"\r\nbody"], closes_after=[0]) as (_, transport):
        assert await body_from(transport) == b"body"


async def test_a_connection_with_more_than_the_answer_on_it_is_not_used_again() -> None:
    async with answering([WHOLE + WHOLE, CHUNKED]) as (provider, transport):
        assert [await body_from(transport) for _ in range(2)] == [b"body", b"body"]

    assert provider.connections == 2


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "unreachable", "this is not HTTP"),
        (STREAM + b"X: " + b"x" * 2 * MAX_HEAD, "unreachable", "bytes that are no body"),
        (WHOLE[:-2], "broken_stream", "broke in the middle of the reply"),
        (CHUNKED[:-5], "broken_stream", "broke in the middle of the reply"),
        (CHUNKED.replace(b"2\r\nbo", b"zz\r\nbo"), "broken_stream", "this is not HTTP"),
    ],
)
async def test_what_is_not_a_whole_answer_is_told(answer: bytes, kind: str, words: str) -> None:
    async with answering([answer], closes_after=[0]) as (_, transport):
        failed = await failure_from(transport)

    assert failed.kind == kind
    assert words in failed.message


async def test_a_reader_that_waits_makes_the_provider_wait() -> None:
    flood = STREAM + b"Content-Length: 50000000\r\n\r\n" + bytes(50_000_000)
    async with answering([flood]) as (provider, transport):
        async with transport.post("/chat/completions", b"{}") as pieces:
            sizes = [len(await anext(pieces)) for _ in range(3)]
        await provider.ended.wait()

    assert max(sizes) < 2_000_000


def test_a_named_proxy_is_heeded(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    assert is_direct("http://127.0.0.1:1/v1")

    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")

    assert not is_direct("http://127.0.0.1:1/v1")
