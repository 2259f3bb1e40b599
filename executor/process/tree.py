"""One running command, seen from the executor: its warden's socket and its pipes.

Starts, reads and ends it; how long it may run is its caller's decision.
"""

import asyncio
import marshal
import os
import socket
import sys
from collections.abc import Callable
from contextlib import ExitStack

import msgspec

from executor.process.nursery import Nursery
from executor.process.terminal import end_input, open_terminal
from executor.sandbox.launch import Launch

_READ_BYTES = 64 * 1024
_CONTROL_BYTES = 4096
PLACE_MAX = 4096
_END_INPUT_S = 1.0

Fact = dict[str, int]
"""One line of the warden, as `warden` describes it."""
Feed = Callable[[bytes], None]
"""Takes a chunk; an empty one is the end."""


class Start(msgspec.Struct, frozen=True):
    """What is started, where, and what it is given besides."""

    launch: Launch
    folder: int
    """Handle of the folder to run in."""
    terminal: bool = False
    tells_place: bool = False

    def request(self) -> bytes:
        """What the warden is told, as it describes it."""
        launch = msgspec.structs.replace(self.launch, join=())  # that is the nursery's business
        told = marshal.dumps(msgspec.to_builtins(launch) | {"terminal": self.terminal})
        return len(told).to_bytes(4, sys.byteorder) + told


class Tree:
    """A command and whatever it starts."""

    def __init__(self, control: socket.socket, place: int) -> None:
        self._control = control
        self._place = place
        self._said = b""
        self._unsent = b""
        self._pipes: dict[int, Feed] = {}
        self._loop = asyncio.get_running_loop()
        self.silent = asyncio.Event()
        """Nobody can write to the pipes any more."""
        self.silent.set()
        self.ended: asyncio.Future[Fact] = self._loop.create_future()
        """The warden's word on the command itself; empty when the warden is gone."""
        self.empty = asyncio.Event()
        """No process is left, or none that anybody watches."""
        self.killed = 0
        self.told_place = b""
        """What the command has written to its handle 3; known when the tree is closed."""
        self._loop.add_reader(control, self._listen)

    @classmethod
    def start(cls, nursery: Nursery, start: Start, feeds: tuple[Feed, Feed]) -> "Tree":
        """Start a command; standard output and error go to `feeds`. Raises OSError."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        request = start.request()
        sent = ours.send(request)  # all of it, as a rule: the warden begins while we prepare
        with ExitStack() as theirs_too, ExitStack() as unless_started:
            theirs_too.enter_context(theirs)
            unless_started.enter_context(ours)
            readings, writings = _outputs(terminal=start.terminal)
            place, places = os.pipe() if start.tells_place else (-1, -1)
            kept = [*readings, place] if start.tells_place else [*readings]
            given = [*writings, places] if start.tells_place else [*writings]
            for handle in {*given}:
                theirs_too.callback(os.close, handle)
            for handle in kept:
                unless_started.callback(os.close, handle)
            nursery.hand_over([theirs.fileno(), start.folder, *given], start.launch.join)
            unless_started.pop_all()
        tree = cls(ours, place)
        for reading, feed in zip(readings, feeds, strict=False):
            tree._watch(reading, feed)
        tree._send(request[sent:])
        if start.terminal:
            tree._end_input(*readings)
        return tree

    def ask(self, letter: bytes) -> None:
        """`T`: tell every process to end; `K`: kill them all."""
        if not self.empty.is_set():
            self._send(letter)

    def close(self) -> None:
        """Let go; a warden that still watches something kills it."""
        for handle in tuple(self._pipes):
            self._finish(handle)
        if self._place >= 0:
            self.told_place = _there(self._place)
            os.close(self._place)
            self._place = -1
        self._let_go()

    def _listen(self) -> None:
        """Take in what the warden says, to its end."""
        try:
            said = self._control.recv(_CONTROL_BYTES)
        except BlockingIOError:
            return
        except ConnectionError:
            said = b""
        *lines, self._said = (self._said + said).split(b"\n")
        for line in lines:
            self._take(msgspec.json.decode(line, type=Fact))
        if not said:
            self._let_go()

    def _take(self, fact: Fact) -> None:
        if not self.ended.done():
            self.ended.set_result(fact)
        if "empty" in fact:  # the last that a warden says
            self.killed = fact["empty"]
            self.empty.set()

    def _let_go(self) -> None:
        if self._control.fileno() >= 0:
            self._loop.remove_reader(self._control)
            self._loop.remove_writer(self._control)
            self._control.close()
        if not self.ended.done():
            self.ended.set_result({})
        self.empty.set()

    def _send(self, text: bytes) -> None:
        """Send `text` behind what could not be sent before."""
        self._unsent += text
        if self._unsent and self._control.fileno() >= 0:
            self._loop.add_writer(self._control, self._send_on)

    def _send_on(self) -> None:
        try:
            sent = self._control.send(self._unsent)
        except BlockingIOError:
            return
        except ConnectionError:  # the end is read from the other side
            sent = len(self._unsent)
        self._unsent = self._unsent[sent:]
        if not self._unsent:
            self._loop.remove_writer(self._control)

    def _end_input(self, terminal: int) -> None:
        """Let whoever reads find the end, again and again: a prompt for a password empties it."""
        if terminal in self._pipes:
            end_input(terminal)
            self._loop.call_later(_END_INPUT_S, self._end_input, terminal)

    def _watch(self, handle: int, feed: Feed) -> None:
        os.set_blocking(handle, False)
        self._pipes[handle] = feed
        self.silent.clear()
        self._loop.add_reader(handle, self._read, handle)

    def _read(self, handle: int) -> None:
        try:
            chunk = os.read(handle, _READ_BYTES)
        except BlockingIOError:
            return
        except OSError:  # EIO: nobody has the terminal open any more
            chunk = b""
        self._pipes[handle](chunk)
        if not chunk:
            self._finish(handle)

    def _finish(self, handle: int) -> None:
        self._loop.remove_reader(handle)
        os.close(handle)
        del self._pipes[handle]
        if not self._pipes:
            self.silent.set()


def _outputs(*, terminal: bool) -> tuple[tuple[int, ...], tuple[int, int]]:
    """Where we read, and what the command writes to as its output and its errors."""
    if terminal:
        reading, writing = open_terminal()
        return (reading,), (writing, writing)
    (out, into_out), (err, into_err) = os.pipe(), os.pipe()
    return (out, err), (into_out, into_err)


def _there(handle: int) -> bytes:
    """What can be read without waiting: whoever else holds the other end is not waited for."""
    os.set_blocking(handle, False)
    try:
        return os.read(handle, PLACE_MAX)
    except BlockingIOError:
        return b""
