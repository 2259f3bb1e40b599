"""Run as a program: start commands for an executor and end all that comes of them.

Imports nothing but the standard library, knows no time-outs and reads no output.

It stands between the executor and its commands because ancestry can't be shaken off: each command
gets a warden, the warden adopts every orphan below it (PR_SET_CHILD_SUBREAPER), so a double fork,
a session of its own or an emptied environment hide nothing, and when the kernel says that the
warden has no child left, nothing is left. It outlives a `kill -9` of the executor just long enough
to end the rest: each warden holds a socket whose other end only the executor has. Where there is
no such adoption (macOS), the command's process group is what is ended.

Standard input is a stream socket. Each byte on it brings four or five handles: a control socket,
the command's folder, its standard output and error, and what becomes its handle 3. On the control
socket the executor writes one line of JSON, a Request, later `T` (terminate) or `K` (kill); it
reads lines of JSON: {"failed": errno} or {"exited": wait status}, at last {"empty": processes that
had to be killed}. With "terminal" standard output is one, and it becomes the command's own,
standard input too.

A byte that brings fewer handles asks for another such program, which takes requests on the first
of them and stands in the control groups whose lists of processes the others are: to enter a group
waits for the kernel, 10 ms and more, and what is forked in one does not.

A command in a sandbox is either started by the sandbox's own program, which finds open what it
needs, or restricts itself between fork and exec (`sandbox.enforce`).
"""

import ctypes
import gc
import json
import os
import resource
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import NoReturn

from executor.sandbox import enforce

PR_SET_CHILD_SUBREAPER = 36
_PAUSE = 0.005
_NO_MORE = b"-"
_IGNORED_HERE = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP)
_DEFAULT_BELOW = (*_IGNORED_HERE, signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ)
_HANDLES_MIN, _HANDLES_MAX = 4, 5
_REHEARSAL = b'{"argv": ["sh", "-c", ":"], "environment": {"PATH": "/bin"}, "terminal": false}\n'

Fact = dict[str, int]


def main() -> None:
    """Fork a warden for each byte that comes, until the executor is gone.

    Each is there before its byte: no command waits for a fork.
    """
    for number in _IGNORED_HERE:
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # wardens are reaped by the kernel
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    requests = socket.socket(fileno=0)
    gc.freeze()
    _fork_all(requests, _prctl())


def _fork_all(requests: socket.socket, prctl: Callable[[int, int], object]) -> None:
    while _fork_next(requests, prctl) != _NO_MORE:
        pass
    requests.close()
    with suppress(ChildProcessError):
        os.waitpid(-1, 0)  # returns when the last warden has ended


def _branch(handles: list[int], prctl: Callable[[int, int], object]) -> NoReturn:
    """Become such a program oneself, in control groups that all its wardens are born into."""
    with suppress(OSError):  # then the executor finds the other end closed
        for group in handles[1:]:
            os.write(group, b"0")
            os.close(group)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        prctl(PR_SET_CHILD_SUBREAPER, 0)
        _fork_all(socket.socket(fileno=handles[0]), prctl)
    os._exit(0)


def _fork_next(requests: socket.socket, prctl: Callable[[int, int], object]) -> bytes:
    """Returns when the next warden has started its command, or ended without one."""
    reading, writing = os.pipe()
    try:
        pid = os.fork()
    except OSError as error:
        os.close(reading)
        os.close(writing)
        return _refused(requests, error.errno or 0)
    if pid == 0:
        os.close(reading)
        woken = _ready(prctl)
        byte, handles, _, _ = socket.recv_fds(requests, 1, _HANDLES_MAX)
        if not byte:
            os.write(writing, _NO_MORE)
            os._exit(0)
        requests.close()
        if len(handles) < _HANDLES_MIN:
            os.close(writing)
            os.close(woken)
            _branch(handles, prctl)
        _watch(handles, writing, woken)
    os.close(writing)
    word = os.read(reading, 1)
    os.close(reading)
    return word


def _refused(requests: socket.socket, number: int) -> bytes:
    """Say of the next command that it gets no warden: there is no room for a process."""
    byte, handles, _, _ = socket.recv_fds(requests, 1, _HANDLES_MAX)
    if handles:
        with socket.socket(fileno=handles[0]) as control:
            _tell(control, {"failed": number})
        for handle in handles[1:]:
            os.close(handle)
    return byte or _NO_MORE


def _ready(prctl: Callable[[int, int], object]) -> int:
    """Do beforehand what no command has to wait for; the handle that tells of dead children."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, _noticed)
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    _rehearse()
    return woken


def _rehearse() -> None:
    """Walk the way that a request takes: memory that a fork shares is copied where it is touched,
    and that costs more than all the rest of it.
    """
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(_REHEARSAL)
        request = _request(ours)
        poll = select.poll()
        poll.register(ours, select.POLLIN)
        poll.poll(0)
        _tell(ours, {"exited": len(request["argv"])})


def _prctl() -> Callable[[int, int], object]:
    """The call by that name, and nothing where there is none."""
    if sys.platform != "linux":
        return lambda _option, _value: None
    library = ctypes.CDLL(None, use_errno=True)
    return lambda option, value: library.prctl(option, value, 0, 0, 0)


def _watch(handles: list[int], busy: int, woken: int) -> NoReturn:
    """The life of one warden; it closes `busy` as soon as the next one may be forked."""
    for handle in handles:
        os.set_inheritable(handle, False)
    control = socket.socket(fileno=handles[0])
    request = _request(control)
    try:
        command = _start(request, *handles[1:])
    except OSError as error:
        _tell(control, {"failed": error.errno or 0})
    else:
        os.close(busy)
        for handle in handles[1:]:
            os.close(handle)
        _serve(control, woken, command)
    os._exit(0)


def _noticed(_number: int, _frame: FrameType | None) -> None:
    """The wake-up byte is all that a dead child has to cause."""


def _request(control: socket.socket) -> enforce.Request:
    text = b""
    while not text.endswith(b"\n"):
        chunk = control.recv(1 << 16)
        if not chunk:
            os._exit(0)
        text += chunk
    return json.loads(text)


def _start(
    request: enforce.Request, folder: int, out: int, err: int, place: int | None = None
) -> int:
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
    request: enforce.Request,
    restrictions: enforce.Restrictions,
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


def _serve(control: socket.socket, woken: int, command: int) -> None:
    """Report what ends and do what is asked, until no process is left."""
    ready = select.poll()
    ready.register(control, select.POLLIN)
    ready.register(woken, select.POLLIN)
    killed = 0
    left = True
    while left:
        facts: list[Fact] = []
        for handle, _ in ready.poll():
            if handle == woken:
                with suppress(BlockingIOError):
                    os.read(woken, 4096)
                continue
            match control.recv(1):
                case b"T":
                    _signal_all(command, signal.SIGTERM)
                case _:
                    killed = _kill_all(command, facts)
        left = _reap(command, facts)
        # One message, as a rule: the executor wakes once for the end of a command.
        _tell(control, *facts, *([] if left else [{"empty": killed}]))


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
            facts.append({"exited": status})


def _kill_all(command: int, facts: list[Fact]) -> int:
    """Kill until no child is left; how many were there at first."""
    first = _counted()
    _signal_all(command, signal.SIGKILL)
    while _reap(command, facts):
        time.sleep(_PAUSE)
        _signal_all(command, signal.SIGKILL)
    return first


def _signal_all(command: int, number: signal.Signals) -> None:
    below = _descendants()
    if below is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(command, number)
        return
    for pid in below:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _counted() -> int:
    """How many processes the command has left; what only holds a namespace together is none."""
    below = _descendants()
    if below is None:
        return 1
    return sum(1 for pid in below if not _holds_a_namespace(pid))


def _holds_a_namespace(pid: int) -> bool:
    """Whether `pid` is the first process of a process namespace below this one's."""
    with suppress(OSError), open(f"/proc/{pid}/status", "rb") as file:
        for line in file:
            if line.startswith(b"NSpid:"):
                numbers = line.split()[1:]
                return len(numbers) > 1 and numbers[-1] == b"1"
    return False


def _descendants() -> list[int] | None:
    """Every living process below this one; None where the system does not tell."""
    parents: dict[int, list[int]] = {}
    try:
        names = os.listdir("/proc")
    except OSError:
        return None
    for name in names:
        if not name.isdigit():
            continue
        with suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:
            state, parent = file.read().rpartition(b")")[2].split()[:2]
            if state != b"Z":
                parents.setdefault(int(parent), []).append(int(name))
    found: list[int] = []
    todo = [os.getpid()]
    while todo:
        below = parents.get(todo.pop(), [])
        found += below
        todo += below
    return found


def _tell(control: socket.socket, *facts: Fact) -> None:
    if facts:
        with suppress(OSError):  # nobody listens any more
            control.sendall(b"".join(json.dumps(fact).encode() + b"\n" for fact in facts))


if __name__ == "__main__":
    main()
