"""Run as a program in a sandbox, before a command: carry its connections to a socket outside.

    python forwarder.pyc SOCKET PORT[,PORT=HOST...] COMMAND...

Listens on ports of the sandbox's own loopback, leaves a process behind that lives as long as the
command, and becomes the command. A port alone is the proxy's; one with a host stands for that port
of that host, which is the machine outside by one of its names. Decides nothing: what listens behind
the socket does. Imports what is built into Python only, as every command waits for its start.
"""

import _socket
import os
import select
import sys

TYPE_CHECKING = False  # `typing` would double the time that every command waits
if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

_LINKS_MAX = 128
_ROOM = 256 * 1024
_CHUNK = 64 * 1024
_HEAD_MAX = 4096
_BACKLOG = 64
_GRANTED = b"HTTP/1.1 200"
_NOT_FOUND, _NOT_RUN = 127, 126


def main() -> None:
    """Returns never: this process becomes the command, or ends."""
    path, ports, *command = sys.argv[1:]
    try:
        _leave_behind(path, ports.split(","))
    except OSError as error:
        sys.stderr.write(f"sandbox: there is no way to the network: {error}\n")
    _restore_signals()
    try:
        os.execvpe(command[0], command, _environment())
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        os._exit(_NOT_FOUND if isinstance(error, FileNotFoundError) else _NOT_RUN)


def _leave_behind(path: str, ports: "Sequence[str]") -> None:
    """A process that is nobody's child here, so that no command waits for it."""
    listening: dict[int, str] = {}
    for wanted in ports:
        port, _, host = wanted.partition("=")
        listening[_listening(int(port))] = f"{host}:{port}" if host else ""
    command = os.pidfd_open(os.getpid())
    between = os.fork()
    if between == 0:
        if os.fork() == 0:
            _serve(path, listening, command)
        os._exit(0)
    os.waitpid(between, 0)


def _listening(port: int) -> int:
    listener = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    listener.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(_BACKLOG)
    return listener.detach()


def _restore_signals() -> None:
    """What Python ignores would stay ignored in the command."""
    signals = __import__("_signal")  # `signal` itself costs as much as all the rest of the start
    for number in (signals.SIGPIPE, signals.SIGXFSZ):
        signals.signal(number, signals.SIG_DFL)


def _environment() -> dict[bytes, bytes]:
    """As it was at the start: Python adds a locale of its own where there is none."""
    with open("/proc/self/environ", "rb") as given:
        pairs = (entry.partition(b"=") for entry in given.read().split(b"\0") if entry)
        return {name: value for name, _, value in pairs}


def _serve(path: str, listening: dict[int, str], command: int) -> None:
    """Carry until the command has ended."""
    signals = __import__("_signal")
    signals.signal(signals.SIGTERM, signals.SIG_IGN)  # the command may take its time to end
    signals.signal(signals.SIGINT, signals.SIG_IGN)
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    for number in set(map(int, os.listdir("/proc/self/fd"))) - {0, 1, 2, command, *listening}:
        try:
            os.close(number)
        except OSError:
            continue  # the listing's own
    folder, _, name = path.rpartition("/")
    os.chdir(folder)  # a path to a socket is short
    try:
        Carrier(name, listening, command).run()
    finally:
        os._exit(0)


class Side:
    """One end of a link, and what is to be written to it."""

    def __init__(self, sock: "socket.socket") -> None:
        self.sock = sock
        self.number = sock.fileno()
        self.unsent = bytearray()
        self.reading = True
        self.ending = False
        """Nothing more will come for it."""
        self.gone = False
        """It is closed on both ways; what it has sent is still to be delivered."""
        self.head: bytearray | None = None
        """The proxy's word on a tunnel, which is not for the other side."""
        self.other: Side = self

    def wanted(self) -> int:
        room = self.reading and len(self.other.unsent) < _ROOM
        return (select.POLLIN if room else 0) | (select.POLLOUT if self.unsent else 0)

    def move(self, what: int) -> None:
        """Do what can be done without waiting. Raises OSError where the link is over."""
        if what & select.POLLOUT:
            del self.unsent[: self.sock.send(self.unsent)]
        if what & (select.POLLIN | select.POLLHUP | select.POLLERR):
            if self.reading:
                self._read()
            else:
                self.gone = True
                self.unsent.clear()
        for end in (self, self.other):
            if end.ending and not end.unsent and not end.gone:
                end.ending = False
                end.sock.shutdown(_socket.SHUT_WR)

    @property
    def idle(self) -> bool:
        """Nothing more goes to it, or comes from it."""
        return not (self.reading or self.unsent or self.ending)

    def _read(self) -> None:
        chunk = self.sock.recv(_CHUNK)
        if not chunk:
            self.reading = False
            self.other.ending = True
        self.other.unsent += chunk if self.head is None else self._behind_head(chunk)

    def _behind_head(self, chunk: bytes) -> bytes:
        head = self.head = (self.head or bytearray()) + chunk
        text, end, rest = head.partition(b"\r\n\r\n")
        if not text.startswith(_GRANTED[: len(text)]) or len(text) > _HEAD_MAX:
            raise ConnectionRefusedError
        if not end:
            return b""
        self.head = None
        return bytes(rest)


class Carrier:
    """All links of one command; what fails ends its own link."""

    def __init__(self, name: str, listening: dict[int, str], command: int) -> None:
        """`listening`: handles, and the place that each stands for, empty for the proxy."""
        self._name = name
        self._places = listening
        self._command = command
        self._listeners: dict[int, socket.socket] = {}
        self._sides: dict[int, Side] = {}
        self._poll = select.poll()
        self._poll.register(command, select.POLLIN)
        for number in listening:
            self._poll.register(number, select.POLLIN)

    def run(self) -> None:
        while True:
            for number, what in self._poll.poll():
                if number == self._command:
                    return
                if number in self._places:
                    self._accept(number)
                elif number in self._sides:
                    self._move(self._sides[number], what)

    def _accept(self, number: int) -> None:
        from socket import AF_UNIX, socket  # who never reaches out does not wait for it

        if number not in self._listeners:
            self._listeners[number] = socket(fileno=number)
            self._listeners[number].setblocking(False)
        try:
            inner, _ = self._listeners[number].accept()
        except OSError:  # it has gone away again
            return
        outer = socket(AF_UNIX)
        try:
            inner.setblocking(False)
            outer.setblocking(False)
            outer.connect(self._name)
        except OSError:
            inner.close()
            outer.close()
            return
        self.link(Side(inner), Side(outer), self._places[number])

    def link(self, inner: Side, outer: Side, place: str) -> None:
        """Carry between these two; neither waits."""
        inner.other, outer.other = outer, inner
        if place:
            outer.unsent += f"CONNECT {place} HTTP/1.1\r\n\r\n".encode()
            outer.head = bytearray()
        for side in (inner, outer):
            self._sides[side.number] = side
            self._poll.register(side.number, side.wanted())
        if len(self._sides) >= 2 * _LINKS_MAX:
            self._listen(0)

    def _move(self, side: Side, what: int) -> None:
        try:
            side.move(what)
        except BlockingIOError:
            pass
        except OSError:
            self._drop(side)
            return
        ends = (side, side.other)
        if all(end.idle for end in ends) or any(end.gone and not end.other.unsent for end in ends):
            self._drop(side)
            return
        for end in ends:
            if end.gone:  # it would be told of for ever
                self._forget(end)
            else:
                self._poll.modify(end.number, end.wanted())

    def _drop(self, side: Side) -> None:
        for end in (side, side.other):
            self._forget(end)
            end.sock.close()
        self._listen(select.POLLIN)

    def _forget(self, side: Side) -> None:
        if self._sides.pop(side.number, None) is not None:
            self._poll.unregister(side.number)

    def _listen(self, what: int) -> None:
        for number in self._places:
            self._poll.modify(number, what)


if __name__ == "__main__":
    main()
