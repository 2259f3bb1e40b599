"""One running command, seen from the executor: its warden's socket and its two pipes.

Starts, reads and ends it; how long it may run is its caller's decision.
"""

import asyncio
import json
import os
import socket
from collections.abc import Callable
from contextlib import suppress

import msgspec

from executor.process.nursery import Nursery
from executor.sandbox.launch import Launch

_READ_BYTES = 64 * 1024

Fact = dict[str, int]
"""One line of the warden, as `warden` describes it."""
Feed = Callable[[bytes], None]
"""Takes a chunk; an empty one is the end."""


class Tree:
    """A command and whatever it starts."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._pipes: dict[int, Feed] = {}
        self.silent = asyncio.Event()
        """Nobody can write to the pipes any more."""
        self.silent.set()
        self.ended: asyncio.Future[Fact] = asyncio.get_running_loop().create_future()
        """The warden's word on the command itself; empty when the warden is gone."""
        self.empty = asyncio.Event()
        """No process is left, or none that anybody watches."""
        self.killed = 0
        self._listening = asyncio.create_task(self._listen(reader))

    @classmethod
    async def start(
        cls,
        nursery: Nursery,
        launch: Launch,
        folder: int,
        feeds: tuple[Feed, Feed],
    ) -> "Tree":
        """Start `launch` in `folder`; standard output and error go to `feeds`. Raises OSError."""
        request = json.dumps(msgspec.to_builtins(launch)).encode() + b"\n"
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        sent = ours.send(request)  # all of it, as a rule: the warden begins while we prepare
        pipes = (os.pipe(), os.pipe())
        with theirs:
            try:
                nursery.hand_over([theirs.fileno(), pipes[0][1], pipes[1][1], folder])
            finally:
                for _, writing in pipes:
                    os.close(writing)
        tree = cls(*await asyncio.open_connection(sock=ours))
        for (reading, _), feed in zip(pipes, feeds, strict=True):
            tree._watch(reading, feed)
        tree._writer.write(request[sent:])
        return tree

    def ask(self, letter: bytes) -> None:
        """`T`: tell every process to end; `K`: kill them all."""
        if not self.empty.is_set():
            self._writer.write(letter)

    def close(self) -> None:
        """Let go; a warden that still watches something kills it."""
        for handle in tuple(self._pipes):
            self._finish(handle)
        self._writer.close()

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        """Take in what the warden says, to its end."""
        with suppress(ConnectionError):
            while line := await reader.readline():
                fact = msgspec.json.decode(line, type=Fact)
                self.killed += fact.get("empty", 0)
                if not self.ended.done():
                    self.ended.set_result(fact)
        if not self.ended.done():
            self.ended.set_result({})
        self.empty.set()

    def _watch(self, handle: int, feed: Feed) -> None:
        os.set_blocking(handle, False)
        self._pipes[handle] = feed
        self.silent.clear()
        asyncio.get_running_loop().add_reader(handle, self._read, handle)

    def _read(self, handle: int) -> None:
        try:
            chunk = os.read(handle, _READ_BYTES)
        except BlockingIOError:
            return
        self._pipes[handle](chunk)
        if not chunk:
            self._finish(handle)

    def _finish(self, handle: int) -> None:
        asyncio.get_running_loop().remove_reader(handle)
        os.close(handle)
        del self._pipes[handle]
        if not self._pipes:
            self.silent.set()
