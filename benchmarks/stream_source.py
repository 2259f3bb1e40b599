"""A model that streams at a steady pace to everybody at once, each piece with the time in it.

Runs as a process of its own: `python -m benchmarks.stream_source --rate 30 --pieces 150` prints its
address and serves until SIGTERM. A reply is so many pieces of text, then a shell call (`--ends
call`) or nothing (`--ends stop`); `--ends stop --pieces 1` is a model that answers at once. Speaks
as much HTTP as the maestro's client needs.
"""

import argparse
import asyncio
import heapq
import itertools
import re
import signal
import time
from typing import cast

import msgspec

from benchmarks.loops import run

STAMP = re.compile(r"~(\d+);")
"""Microseconds of the clock that all processes share, in each piece."""
CALL_AFTER = "benchmark_call"

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_LOOK_S = 0.004


def stamp() -> str:
    return f"~{int(time.monotonic() * 1_000_000)};"


class Source:
    """All streams of the process, each with its next moment."""

    def __init__(self, rate: float, pieces: int, *, ends_with_call: bool) -> None:
        self._every = 1 / rate
        self._pieces = pieces
        self._ends_with_call = ends_with_call
        self._streams: list[tuple[float, int, int, asyncio.Transport]] = []
        self._numbers = itertools.count()

    def begin(self, transport: asyncio.Transport) -> None:
        transport.write(_HEAD)
        first = time.monotonic()
        heapq.heappush(self._streams, (first, next(self._numbers), self._pieces, transport))

    async def keep_streaming(self) -> None:
        while True:
            now = time.monotonic()
            while self._streams and self._streams[0][0] <= now:
                self._write_next()
            await asyncio.sleep(_LOOK_S)

    def _write_next(self) -> None:
        due, number, left, transport = heapq.heappop(self._streams)
        if transport.is_closing():
            return
        if left == 0:
            transport.write(self._end(number))
            return
        transport.write(_chunk({"choices": [{"delta": {"content": stamp()}}]}))
        heapq.heappush(self._streams, (due + self._every, number, left - 1, transport))

    def _end(self, number: int) -> bytes:
        delta: dict[str, object] = {}
        if self._ends_with_call:
            function = {"name": "Shell", "arguments": f'{{"command":"echo {number}"}}'}
            delta = {"tool_calls": [{"index": 0, "id": f"call-{number}", "function": function}]}
        reason = "tool_calls" if self._ends_with_call else "stop"
        last = _chunk({"choices": [{"delta": delta, "finish_reason": reason}]})
        return last + _framed(b"data: [DONE]\n\n") + b"0\r\n\r\n"


class Door(asyncio.Protocol):
    """One kept connection of the maestro's client: a request, its stream, the next request."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, body = bytes(self._received).partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if separator and length is not None and len(body) >= int(length[1]):
            del self._received[: len(head) + 4 + int(length[1])]
            self._source.begin(self._transport)


def _chunk(event: dict[str, object]) -> bytes:
    return _framed(b"data: " + msgspec.json.encode(event) + b"\n\n")


def _framed(text: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(text), text)


async def _serve(given: argparse.Namespace) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    source = Source(given.rate, given.pieces, ends_with_call=given.ends == "call")
    server = await loop.create_server(lambda: Door(source), "127.0.0.1", 0, backlog=2048)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    streaming = asyncio.create_task(source.keep_streaming())
    await stopped.wait()
    streaming.cancel()
    server.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stream_source")
    parser.add_argument("--rate", type=float, default=30.0, help="pieces a second and stream")
    parser.add_argument("--pieces", type=int, default=150)
    parser.add_argument("--ends", choices=("call", "stop"), default="stop")
    run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
