"""Serve a script over HTTP/1.1 and record what was asked.

Speaks just enough HTTP for a model client, with command of every byte that leaves. Beside the
provider's addresses: `GET /scripted/requests` and `POST /scripted/gates/NAME`, for scripts that run
as a process of their own.
"""

import asyncio
import gzip
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from types import TracebackType
from typing import Any, Self, assert_never

from tests.scripted_model import responses, rules, wire
from tests.scripted_model.script import (
    Cut,
    Delivery,
    Fail,
    Raw,
    Reply,
    Say,
    Script,
    ShellSteps,
    call,
    calls,
    text,
)

MAX_HEAD = 64 * 1024
MAX_BODY = 64 * 1024 * 1024
MAX_RECORDED = 100_000


@dataclass
class Recorded:
    """One request to the model. Times are `time.monotonic()`, which processes share."""

    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes = field(repr=False)
    peer: int
    """The client's port: the same one means the same connection."""
    head_at: float
    received_at: float
    answered_at: float | None = None
    """The last byte of the reply was written."""
    cut: bool = False
    """The client went away before that."""

    @cached_property
    def json(self) -> dict[str, Any]:
        """As Chat Completions has it, whichever of its two APIs the client speaks."""
        asked = json.loads(self.body)
        return responses.as_chat(asked) if self.is_of_responses else asked

    @property
    def is_of_responses(self) -> bool:
        return self.path.endswith("/responses")

    @property
    def messages(self) -> list[dict[str, Any]]:
        return self.json["messages"]

    @property
    def roles(self) -> list[str]:
        return [message["role"] for message in self.messages]


Decide = Callable[[Recorded], Reply]
"""An answer made from the request, for models with a will of their own."""


class _Client:
    """The other end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.write = writer.write
        self.drain = writer.drain

    async def wait(self, gate: asyncio.Event) -> None:
        """Until the gate opens; ConnectionResetError when the client goes away first.

        A client has nothing to say before its answer, so whatever ends the read is its end.
        """
        await self.drain()
        opened = asyncio.ensure_future(gate.wait())
        gone = asyncio.ensure_future(self._reader.read(1))
        try:
            await asyncio.wait({opened, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not opened.done():
                raise ConnectionResetError
        finally:
            opened.cancel()
            gone.cancel()
            await asyncio.gather(opened, gone, return_exceptions=True)

    async def break_off(self, how: Cut, last: bytes) -> bool:
        """Write `last` and no more. True: the response is whole as far as HTTP can tell."""
        self.write(_framed(last))
        await self.drain()
        if how == "end":
            self.write(b"0\r\n\r\n")
            await self.drain()
        if how == "reset":
            self._writer.transport.abort()
        return how == "end"


class ScriptedModel:
    """An OpenAI-compatible provider on a free port of 127.0.0.1, while it is entered."""

    def __init__(
        self,
        script: Script | Sequence[Reply] | Decide,
        *,
        port: int = 0,
        api_key: str | None = None,
        models: Sequence[str] = ("scripted",),
    ) -> None:
        """`api_key`: answer 401 to any other one. `models`: what `/v1/models` lists."""
        self.requests: list[Recorded] = []
        self._decide = _decider(script)
        self._port = port
        self._api_key = api_key
        self._models = models
        self._gates: dict[str, asyncio.Event] = {}
        self._changed = asyncio.Condition()
        self._open: set[asyncio.Task[None]] = set()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._port}/v1"

    async def requested(self, count: int) -> Recorded:
        """Wait until `count` requests have come; the last of them."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.requests) >= count)
        return self.requests[count - 1]

    async def answered(self, count: int) -> Recorded:
        """Wait until the reply to request `count` is written, or its client went away."""
        async with self._changed:
            await self._changed.wait_for(
                lambda: len(self.requests) >= count and _is_over(self.requests[count - 1])
            )
        return self.requests[count - 1]

    def open(self, gate: str) -> None:
        self._gate(gate).set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self._port, limit=MAX_HEAD, backlog=1024
        )
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        await self._server.wait_closed()

    def _gate(self, name: str) -> asyncio.Event:
        return self._gates.setdefault(name, asyncio.Event())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while await self._exchange(reader, writer):
                    pass
        finally:
            self._open.discard(task)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and its answer. False: the connection is at its end."""
        first, headers = _parse_head(await reader.readuntil(b"\r\n\r\n"))
        head_at = time.monotonic()
        length = int(headers.get("content-length", "0"))
        if length > MAX_BODY:
            writer.write(_plain(413, wire.error_body("the request is too large")))
            return False
        body = await reader.readexactly(length)
        method, path = first.split(" ")[:2]
        peer: int = writer.get_extra_info("peername")[1]
        request = Recorded(path, headers, body, peer, head_at, time.monotonic())
        if method == "POST" and path.endswith(("/chat/completions", "/responses")):
            return await self._answer(request, _Client(reader, writer))
        writer.write(self._aside(method, path))
        return True

    def _aside(self, method: str, path: str) -> bytes:
        """What is not a generation."""
        match method, path.strip("/").split("/"):
            case "GET", [*_, "models"]:
                listed = [{"id": name, "object": "model"} for name in self._models]
                return _plain(200, json.dumps({"object": "list", "data": listed}).encode())
            case "GET", ["scripted", "requests"]:
                return _plain(200, json.dumps([_shown(one) for one in self.requests]).encode())
            case "POST", ["scripted", "gates", name]:
                self.open(name)
                return _plain(200, b"{}")
            case _:
                return _plain(404, wire.error_body(f"no such address: {method} {path}"))

    async def _answer(self, request: Recorded, client: _Client) -> bool:
        number = len(self.requests)
        if number >= MAX_RECORDED:
            client.write(_plain(500, wire.error_body(f"{MAX_RECORDED} requests are recorded")))
            return False
        self.requests.append(request)
        await self._tell()
        try:
            goes_on = await self._deliver(self._reply(request), number, request, client)
            request.answered_at = time.monotonic()
        except (ConnectionError, asyncio.CancelledError):
            request.cut = True
            raise
        finally:
            await self._tell()
        return goes_on

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    def _reply(self, request: Recorded) -> Reply:
        given = request.headers.get("authorization", "")
        if self._api_key is not None and given != f"Bearer {self._api_key}":
            return Fail(401, "Incorrect API key provided.", "invalid_api_key")
        try:
            asked = request.json
        except ValueError as error:
            return Fail(400, f"the request is not JSON: {error}")
        refused = rules.refusal(asked)
        return Fail(400, refused) if refused else self._decide(request)

    async def _deliver(self, reply: Reply, number: int, request: Recorded, client: _Client) -> bool:
        how = reply.delivery
        await asyncio.sleep(how.delay)
        if how.gate is not None and how.gate_after is None:
            await client.wait(self._gate(how.gate))
        status, headers, chunks = _rendered(reply, number, request)
        if how.gzip:
            headers = {**headers, "content-encoding": "gzip"}
            chunks = [gzip.compress(b"".join(chunks), mtime=0)]
        client.write(_head(status, {**headers, "transfer-encoding": "chunked"}))
        if how == Delivery():
            client.write(b"".join(map(_framed, chunks)) + b"0\r\n\r\n")
            await client.drain()
            return True
        return await _deliver_slowly(how, chunks, client, self._gate)


def _is_over(request: Recorded) -> bool:
    return request.cut or request.answered_at is not None


async def _deliver_slowly(
    how: Delivery,
    chunks: Sequence[bytes],
    client: _Client,
    gate: Callable[[str], asyncio.Event],
) -> bool:
    sent = 0
    for place, chunk in enumerate([*chunks, b""]):
        if how.gate is not None and how.gate_after == place:
            await client.wait(gate(how.gate))
        for piece in _pieces(chunk, how.piece):
            if how.cut_after is not None and sent + len(piece) >= how.cut_after:
                return await client.break_off(how.cut, piece[: how.cut_after - sent])
            client.write(_framed(piece))
            await client.drain()
            sent += len(piece)
            if how.piece is not None:
                await asyncio.sleep(how.every)
    client.write(b"0\r\n\r\n")
    await client.drain()
    return True


def _decider(script: Script | Sequence[Reply] | Decide) -> Decide:
    if isinstance(script, Script):
        if script.shell_steps is not None:
            return _stepper(script.shell_steps)
        return _reader(script)
    return script if callable(script) else _reader(Script(replies=tuple(script)))


def _reader(script: Script) -> Decide:
    keyed = [(key.encode(), iter(replies)) for key, replies in script.sessions.items()]
    common = iter(script.replies)

    def next_reply(request: Recorded) -> Reply:
        mine = next((replies for key, replies in keyed if key in request.body), common)
        over = Fail(500, "the script has no more replies", headers={"x-should-retry": "false"})
        return next(mine, over)

    return next_reply


def _stepper(steps: ShellSteps) -> Decide:
    def next_reply(request: Recorded) -> Reply:
        done = request.roles.count("tool")
        if done >= steps.count:
            return text(steps.final)
        return calls(call(steps.tool, command=steps.command.format(k=done + 1)))

    return next_reply


def _rendered(
    reply: Reply, number: int, request: Recorded
) -> tuple[int, Mapping[str, str], Sequence[bytes]]:
    """Status, headers and body."""
    match reply:
        case Fail():
            headers = {"content-type": "application/json", **reply.headers}
            return reply.status, headers, [wire.body_of_error(reply)]
        case Raw():
            headers = {"content-type": reply.content_type, **reply.headers}
            return 200, headers, [one.encode("utf-8", "surrogateescape") for one in reply.chunks]
        case Say():
            if request.is_of_responses:
                headers = {"content-type": "text/event-stream"}
                return 200, headers, responses.stream(reply, number)
            asked = request.json
            model = str(asked.get("model", ""))
            if not asked.get("stream"):
                return 200, {"content-type": "application/json"}, [wire.whole(reply, number, model)]
            options: Mapping[str, Any] = asked.get("stream_options") or {}
            with_usage = bool(options.get("include_usage"))
            events = wire.stream(reply, number, model, with_usage=with_usage)
            return 200, {"content-type": "text/event-stream"}, events
        case _:
            assert_never(reply)


def _parse_head(head: bytes) -> tuple[str, Mapping[str, str]]:
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return first, {name.strip().lower(): value.strip() for name, _, value in pairs}


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} Scripted\r\n{lines}\r\n".encode("latin-1")


def _plain(status: int, body: bytes) -> bytes:
    headers = {"content-type": "application/json", "content-length": str(len(body))}
    return _head(status, headers) + body


def _framed(piece: bytes) -> bytes:
    """One chunk of the chunked coding; an empty one would end the body."""
    return b"%x\r\n%b\r\n" % (len(piece), piece) if piece else b""


def _pieces(chunk: bytes, size: int | None) -> Iterator[bytes]:
    if size is None:
        yield chunk
    else:
        yield from (chunk[start : start + size] for start in range(0, len(chunk), size))


def _shown(request: Recorded) -> dict[str, Any]:
    return {
        "path": request.path,
        "headers": dict(request.headers),
        "body": request.body.decode("utf-8", "replace"),
        "head_at": request.head_at,
        "received_at": request.received_at,
        "answered_at": request.answered_at,
        "cut": request.cut,
    }
