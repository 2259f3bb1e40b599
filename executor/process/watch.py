"""One command, from its request to the end of all that came of it: the work of a warden.

Starts it, reports what ends, kills what it is asked to kill. Knows no other command, no time-outs,
and imports as little as `warden`, of which it is a part.
"""

from __future__ import annotations

import _socket
import fcntl
import marshal
import os
import select
import sys
import time

from executor.process.descendants import counted, signal_all
from executor.sandbox import enforce

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable

    from executor.sandbox.requests import Held, Request, Restrictions
else:
    import _signal as signal

IGNORED_ABOVE = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP)
"""By wardens and the program that forks them."""
LENGTH_BYTES = 4
"""Before a request: how long it is."""
_DEFAULT_BELOW = (*IGNORED_ABOVE, signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ)
_PAUSE = 0.005
_LOCK = "lock"
"""As in `sandbox.stubs`, which is loaded only where it is needed."""

Fact = tuple[str, int]


def watch(handles: list[int], busy: Callable[[], object], woken: int) -> None:
    """One command, from its request to the end of all that came of it. `busy` is called as soon
    as the next warden may be forked.
    """
    control = _socket.socket(fileno=handles[0])
    request = read_request(control)
    held = request.get("held")
    lock = -1 if held is None else _needed(held)
    try:
        command = _start(request, *handles[1:])
    except OSError as error:
        tell(control, ("failed", error.errno or 0))
    else:
        busy()
        for handle in handles[1:]:
            os.close(handle)
        last = _serve(control, woken, command)
        is_alone = held is not None and _is_alone(control)
        if lock >= 0:
            os.close(lock)  # before the executor hears of the end, and takes down what is held
            lock = -1
        tell(control, *last)
        if held is not None and is_alone:
            _sweep(held)
    if lock >= 0:
        os.close(lock)
    control.close()


def _needed(held: Held) -> int:
    """A lock by which nobody takes down what this command needs; it may outlive its executor."""
    try:
        lock = os.open(f"{held['kept']}/{_LOCK}", os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return -1
    fcntl.flock(lock, fcntl.LOCK_SH)
    return lock


def _is_alone(control: _socket.socket) -> bool:
    """Whether the executor is gone; what it still wanted is of no use any more."""
    try:
        while control.recv(1, _socket.MSG_DONTWAIT):
            pass
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True


def _sweep(held: Held) -> None:
    # Modules that no other warden needs.
    stubs = __import__("executor.sandbox.stubs", fromlist=["sweep"])
    try:
        stubs.sweep(held["project"], held["names"], held["kept"])
    except OSError:
        pass  # the project or the folder is gone; the next command looks again


def read_request(control: _socket.socket) -> Request:
    length = int.from_bytes(_exactly(control, LENGTH_BYTES), sys.byteorder)
    return marshal.loads(_exactly(control, length))


def _exactly(control: _socket.socket, size: int) -> bytes:
    """So many bytes; without an executor that sends them this process ends."""
    text = b""
    while len(text) < size:
        chunk = control.recv(size - len(text))
        if not chunk:
            os._exit(0)
        text += chunk
    return text


def _start(request: Request, folder: int, out: int, err: int, place: int | None = None) -> int:
    """Start the command in a session of its own; its process id. Raises OSError."""
    os.fchdir(folder)
    os.environ["PATH"] = request["environment"]["PATH"]  # where posix_spawnp looks
    # The first terminal that the leader of a session opens becomes its own.
    terminal = request.get("terminal")
    reading = (os.ttyname(out), os.O_RDWR) if terminal else (os.devnull, os.O_RDONLY)
    handles = [(out, 1), (err, 2)] if place is None else [(out, 1), (err, 2), (place, 3)]
    restrictions = request.get("restrictions")
    if restrictions is not None:
        return _fork(request, restrictions, reading, handles)
    handles += enforce.opened(request)
    folder_at = request.get("folder_at")
    if folder_at is not None:
        handles.append((enforce.out_of_the_way(folder), folder_at))
    return os.posix_spawnp(
        request["argv"][0],
        request["argv"],
        request["environment"],
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, *reading, 0),
            *((os.POSIX_SPAWN_DUP2, handle, number) for handle, number in handles),
        ],
        setsid=True,
        setsigmask=(),
        setsigdef=_DEFAULT_BELOW,
    )


def _fork(
    request: Request,
    restrictions: Restrictions,
    input_from: tuple[str, int],
    handles: list[tuple[int, int]],
) -> int:
    """The same for a command that restricts itself first."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            signal.set_wakeup_fd(-1)
            for number in _DEFAULT_BELOW:
                signal.signal(number, signal.SIG_DFL)
            for handle, number in ((os.open(*input_from), 0), *handles):
                os.dup2(handle, number)
            enforce.become(request, restrictions)
        except OSError as error:
            os.write(writing, str(error.errno or 0).encode())
        os._exit(127)
    os.close(writing)
    failed = os.read(reading, 16)
    os.close(reading)
    if failed:
        os.waitpid(pid, 0)
        raise OSError(int(failed), os.strerror(int(failed)))
    return pid


def _serve(control: _socket.socket, woken: int, command: int) -> list[Fact]:
    """Report what ends and do what is asked, until no process is left; what is still to be told."""
    ready = select.poll()
    ready.register(control, select.POLLIN)
    ready.register(woken, select.POLLIN)
    killed = 0
    while True:
        facts: list[Fact] = []
        for handle, _ in ready.poll():
            if handle == woken:
                drained(woken)
                continue
            match control.recv(1):
                case b"T":
                    signal_all(command, signal.SIGTERM)
                case _:
                    killed = _kill_all(command, facts)
        left = _reap(command, facts)
        # One message, as a rule: the executor wakes once for the end of a command.
        if not left:
            return [*facts, ("empty", killed)]
        tell(control, *facts)


def _reap(command: int, facts: list[Fact]) -> bool:
    """Take in what has ended, the command into `facts`; false when there is no child left."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return False
        if pid == 0:
            return True
        if pid == command:
            facts.append(("exited", status))


def _kill_all(command: int, facts: list[Fact]) -> int:
    """Kill until no child is left; how many were there at first."""
    first = counted()
    signal_all(command, signal.SIGKILL)
    while _reap(command, facts):
        time.sleep(_PAUSE)
        signal_all(command, signal.SIGKILL)
    return first


def tell(control: _socket.socket, *facts: Fact) -> None:
    if facts:
        try:
            control.sendall(b"".join(b'{"%s": %d}\n' % (what.encode(), n) for what, n in facts))
        except OSError:
            pass  # nobody listens any more


def drained(handle: int) -> bytes:
    """All that is there to be read."""
    text = b""
    try:
        while chunk := os.read(handle, 4096):
            text += chunk
    except BlockingIOError:
        pass
    return text
