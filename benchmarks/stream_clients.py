"""Many executors in one process: they attach, answer each call at once, and time what they hear.

Run by `benchmarks.live`: attaches `--sessions` at `--attach-rate`, says `attached`, measures for
`--seconds` after a word on standard input, and prints one line of JSON. `--idle` says `attached`
once every run has ended, and holds the sockets until standard input ends.
"""

import argparse
import asyncio
import os
import sys
import time
from collections import Counter

import msgspec

from benchmarks.loops import run
from benchmarks.raw_socket import RawSocket, message_id, upgrade
from benchmarks.report import percentile
from benchmarks.stream_source import STAMP

ATTACH_SECONDS = 60.0
_DELTA = b'{"type":"agent_message_delta"'


class Heard(msgspec.Struct, frozen=True):
    """What reached the executors within the window."""

    seconds: float
    sessions: int
    """Still attached at the end."""
    deltas: int
    """Pieces of the model's, however they were joined on the way."""
    frames: int
    calls: int
    delay_ms: dict[str, float]
    """From the moment at which the model wrote a piece: p50, p95, p99, most."""
    failed: dict[str, int]


class _RunTool(msgspec.Struct):
    tool_id: str
    generation_id: str


class _Frame(msgspec.Struct):
    type: str
    payload: msgspec.Raw = msgspec.Raw(b"{}")


_frames = msgspec.json.Decoder(_Frame)


class Crowd:
    def __init__(self, *, keeps_talking: bool) -> None:
        self.started = 0
        self.finished = 0
        self.sockets: set[RawSocket] = set()
        self.failed: Counter[str] = Counter()
        self.is_measuring = False
        self.is_closing = False
        self.moved = asyncio.Event()
        self._keeps_talking = keeps_talking
        self._delays: list[float] = []
        self._frames = 0
        self._calls = 0

    def measure(self) -> None:
        self.is_measuring = True
        self._delays, self._frames, self._calls = [], 0, 0

    def heard(self, seconds: float) -> Heard:
        delays = self._delays
        shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "most": 1.0}
        return Heard(
            seconds=seconds,
            sessions=len(self.sockets),
            deltas=len(delays),
            frames=self._frames,
            calls=self._calls,
            delay_ms={name: percentile(delays, share) for name, share in shares.items()},
            failed=dict(self.failed),
        )

    def on_open(self, socket: RawSocket) -> None:
        self.sockets.add(socket)
        handshake: dict[str, object] = {
            "client_type": "benchmark",
            "initial_prompt": "Stream, and call a command now and then.",
            "known_tools": ["Shell"],
            "custom_tools": [],
            "project_spec": {"content": "", "file_paths": []},
            "journal_id": message_id(),
        }
        _say(socket, "handshake", handshake)

    def on_end(self, socket: RawSocket, why: str) -> None:
        self.sockets.discard(socket)
        if not self.is_closing:
            self.failed[why[:200]] += 1
            self.moved.set()

    def on_frame(self, socket: RawSocket, text: bytes) -> None:
        if text.startswith(_DELTA):
            if self.is_measuring:
                now = time.monotonic() * 1000
                stamps = STAMP.findall(text.decode())
                self._delays += [now - int(stamp) / 1000 for stamp in stamps]
                self._frames += 1
            return
        frame = _frames.decode(text)
        match frame.type:
            case "session_started":
                self.started += 1
                self.moved.set()
            case "run_tool":
                self._calls += 1
                self._answer(socket, msgspec.json.decode(frame.payload, type=_RunTool))
            case "run_finished":
                self.finished += 1
                self.moved.set()
                if self._keeps_talking:
                    _say(socket, "user_message", {"content": "Go on."})
            case "error":
                self.failed[bytes(frame.payload).decode()[:200]] += 1
            case _:
                pass

    def _answer(self, socket: RawSocket, call: _RunTool) -> None:
        result: dict[str, object] = {
            "tool_id": call.tool_id,
            "status": "success",
            "result": "ok",
            "generation_id": call.generation_id,
        }
        _say(socket, "tool_result", result)


def _say(socket: RawSocket, kind: str, payload: dict[str, object]) -> None:
    frame = {"type": kind, "id": message_id(), "payload": payload}
    socket.send(msgspec.json.encode(frame))


async def _attach(crowd: Crowd, given: argparse.Namespace) -> None:
    host, port, request = upgrade(given.address, os.environ["CODEGEN_TOKEN"])
    loop = asyncio.get_running_loop()
    for number in range(given.sessions):
        await loop.create_connection(
            lambda: RawSocket(request, crowd.on_open, crowd.on_frame, crowd.on_end), host, port
        )
        if number % 10 == 9:
            await asyncio.sleep(10 / given.attach_rate)
    async with asyncio.timeout(ATTACH_SECONDS):
        while True:
            done = crowd.finished if given.idle else crowd.started
            if done + sum(crowd.failed.values()) >= given.sessions:
                return
            crowd.moved.clear()
            await crowd.moved.wait()


async def _main(given: argparse.Namespace) -> None:
    crowd = Crowd(keeps_talking=not given.idle)
    await _attach(crowd, given)
    print("attached", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    crowd.measure()
    began = time.monotonic()
    if given.idle:
        await asyncio.to_thread(sys.stdin.read)
    else:
        await asyncio.sleep(given.seconds)
    heard = crowd.heard(time.monotonic() - began)
    print(msgspec.json.encode(heard).decode(), flush=True)
    crowd.is_closing = True
    for socket in tuple(crowd.sockets):
        socket.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stream_clients")
    parser.add_argument("--address", required=True)
    parser.add_argument("--sessions", type=int, default=100)
    parser.add_argument("--attach-rate", type=float, default=100.0, help="sessions a second")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--idle", action="store_true")
    run(_main(parser.parse_args()))


if __name__ == "__main__":
    main()
