"""Run as a program (see `nursery`): start commands for an executor and end all that comes of them.

Imports nothing but the standard library, knows no time-outs and reads no output.

It stands between the executor and its commands because ancestry can't be shaken off: each command
gets a warden, the warden adopts every orphan below it (PR_SET_CHILD_SUBREAPER), so a double fork,
a session of its own or an emptied environment hide nothing, and when the kernel says that the
warden has no child left, nothing is left. It outlives a `kill -9` of the executor just long enough
to end the rest: each warden holds a socket whose other end only the executor has. Where there is
no such adoption (macOS), the command's process group is what is ended.

Standard input is a stream socket. Each byte on it brings four or five handles: a control socket,
the command's folder, its standard output and error, and what becomes its handle 3. On the control
socket the executor writes a Request (four bytes of length, then as `marshal` has it: both ends are
one interpreter's), later `T` (terminate) or `K` (kill); it reads lines of JSON: {"failed": errno}
or {"exited": wait status}, at last {"empty": processes that had to be killed}. With "terminal"
standard output is one, and it becomes the command's own, standard input too.

A command in a sandbox is either started by the sandbox's own program, which finds open what it
needs, or restricts itself between fork and exec (`sandbox.enforce`).

A byte that brings fewer handles asks for another such program, which takes requests on the first
of them and stands in the control groups whose lists of processes the others are: to enter a group
waits for the kernel, 10 ms and more, and what is forked in one does not.

A warden below which nothing is left is as good as a fresh one and waits for the next command, as a
fork and its first touch of each page cost more than all else that is done for a command. Of the
command before it keeps neither handles nor folder.

Each executor runs this program: the modules beneath the standard library's are used as they are,
which halves its start and what it takes of memory.
"""

from __future__ import annotations

import _socket
import errno
import fcntl
import gc
import marshal
import os
import resource
import select
import sys
import time

from executor.process.descendants import counted, signal_all
from executor.sandbox import enforce
from executor.sandbox.c_library import c_function

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable
    from types import FrameType
    from typing import NoReturn

    from executor.sandbox.requests import Held, Request, Restrictions
else:
    import _signal as signal

PR_SET_CHILD_SUBREAPER = 36
_PAUSE = 0.005
_IDLE, _BUSY = b"i", b"b"
_NEWS_BYTES = 5
"""Of a warden to the program that forked it: its state, its process id."""
_HANDLES_OPEN_MAX = 1024
_IGNORED_HERE = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP)
_DEFAULT_BELOW = (*_IGNORED_HERE, signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ)
_HANDLES_MIN, _HANDLES_MAX = 4, 5
_HANDLE_BYTES = 4
_RIGHTS = _socket.CMSG_SPACE(_HANDLES_MAX * _HANDLE_BYTES)
_LENGTH_BYTES = 4
_LOCK = "lock"
"""As in `sandbox.stubs`, which is loaded only where it is needed."""
_REHEARSAL = {"argv": ["sh", "-c", ":"], "environment": {"PATH": "/bin"}, "terminal": False}

Fact = tuple[str, int]


def main(patience: float) -> None:
    """Keep a warden ready for the next command, until the executor is gone.

    It is there before its request: no command waits for a fork. One that has had a command waits
    for another one for `patience` seconds.
    """
    for number in _IGNORED_HERE:
        signal.signal(number, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    requests = _socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC), 0)
    gc.freeze()
    _fork_all(requests, _prctl(), patience)
    os._exit(0)  # nothing here is worth an interpreter's tidying up


def _fork_all(
    requests: _socket.socket, prctl: Callable[[int, int], object], patience: float
) -> None:
    """Fork a warden before the first request, and whenever one waits while none is idle, be it
    that all are busy or that they were killed.

    None is forked for a request that may never come: it would take a megabyte, and as much time as
    half a command.
    """
    news, tell = os.pipe()
    os.set_blocking(news, False)
    woken, _ = _wake_for_children()
    happens = select.poll()
    happens.register(news, select.POLLIN)
    happens.register(woken, select.POLLIN)
    idle: set[int] = set()
    first, waits, over = True, False, False
    while True:
        if (first or waits) and (over or not idle):
            try:
                pid = os.fork()
            except OSError as error:
                # Without a warden the command is refused.
                if waits and not _refused(requests, error.errno or errno.EAGAIN):
                    break
            else:
                if pid == 0:
                    os.close(news)
                    _live(requests, tell, prctl, patience)
                idle.add(pid)
            first = False
        if over:
            break
        happens.register(requests, 0 if idle else select.POLLIN)
        seen = dict(happens.poll())
        asked = seen.get(requests.fileno(), 0)
        over = bool(asked & ~select.POLLIN)
        # What was asked before the other end was closed is done all the same.
        waits = _is_asked(requests) if over else bool(asked)
        _drained(woken)
        dead = _buried()
        told = _drained(news)
        for at in range(0, len(told), _NEWS_BYTES):
            pid = int.from_bytes(told[at + 1 : at + _NEWS_BYTES], sys.byteorder)
            (idle.add if told[at : at + 1] == _IDLE else idle.discard)(pid)
        idle -= dead
    requests.close()
    try:
        while True:  # until the last warden has ended
            os.waitpid(-1, 0)
    except ChildProcessError:
        pass


def _is_asked(requests: _socket.socket) -> bool:
    """Whether a request is there, which stays for the warden that takes it."""
    try:
        return bool(requests.recv(1, _socket.MSG_PEEK | _socket.MSG_DONTWAIT))
    except OSError:
        return False


def _refused(requests: _socket.socket, number: int) -> bool:
    """Say of the next command that it gets no warden, as there is no room for a process; false
    where none comes any more.
    """
    handles = _received(requests, None)
    if handles:
        control = _socket.socket(fileno=handles[0])
        _tell(control, ("failed", number))
        control.close()
        for handle in handles[1:]:
            os.close(handle)
    return bool(handles)


def _branch(handles: list[int], prctl: Callable[[int, int], object], patience: float) -> NoReturn:
    """Become such a program oneself, in control groups that all its wardens are born into."""
    try:
        for group in handles[1:]:
            os.write(group, b"0")
            os.close(group)
        prctl(PR_SET_CHILD_SUBREAPER, 0)
        _fork_all(_socket.socket(fileno=handles[0]), prctl, patience)
    except OSError:
        pass  # then the executor finds the other end closed
    os._exit(0)


def _live(
    requests: _socket.socket, tell: int, prctl: Callable[[int, int], object], patience: float
) -> NoReturn:
    """The life of one warden."""
    me = os.getpid().to_bytes(_NEWS_BYTES - 1, sys.byteorder)
    woken, wake = _ready(prctl)
    spare = max(requests.fileno(), tell, woken, wake) + 1  # from here on they are a command's
    handles = _received(requests, None)
    while handles:
        for handle in handles:
            os.set_inheritable(handle, False)
        if len(handles) < _HANDLES_MIN:
            requests.close()
            _report(tell, _BUSY + me)
            os.close(tell)
            _branch(handles, prctl, patience)
        _watch(handles, lambda: _report(tell, _BUSY + me), woken)
        os.chdir("/")
        os.closerange(spare, _HANDLES_OPEN_MAX)
        _report(tell, _IDLE + me)
        handles = _received(requests, patience)
    os._exit(0)


def _report(tell: int, news: bytes) -> None:
    try:
        os.write(tell, news)
    except OSError:
        pass  # the program that forked this one was killed; commands are watched to their end


def _received(requests: _socket.socket, patience: float | None) -> list[int]:
    """The handles that come with the next byte; none when no byte comes any more, or in time."""
    asked = select.poll()
    asked.register(requests, select.POLLIN)
    while asked.poll(None if patience is None else patience * 1000):
        try:
            _, rights, _, _ = requests.recvmsg(1, _RIGHTS, _socket.MSG_DONTWAIT)
        except BlockingIOError:
            continue  # another warden was faster
        return [
            int.from_bytes(given[at : at + _HANDLE_BYTES], sys.byteorder)
            for _, _, given in rights
            for at in range(0, len(given) // _HANDLE_BYTES * _HANDLE_BYTES, _HANDLE_BYTES)
        ]
    return []


def _ready(prctl: Callable[[int, int], object]) -> tuple[int, int]:
    """Do beforehand what no command has to wait for; the pipe that tells of dead children."""
    pipe = _wake_for_children()
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    _rehearse()
    return pipe


def _wake_for_children() -> tuple[int, int]:
    """A pipe with something to read whenever a child has ended: its reading end, its other one."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, _noticed)
    return woken, wake


def _drained(handle: int) -> bytes:
    """All that is there to be read."""
    text = b""
    try:
        while chunk := os.read(handle, 4096):
            text += chunk
    except BlockingIOError:
        pass
    return text


def _buried() -> set[int]:
    """The wardens that have ended since the last look."""
    dead: set[int] = set()
    try:
        while pid := os.waitpid(-1, os.WNOHANG)[0]:
            dead.add(pid)
    except ChildProcessError:
        pass
    return dead


def _rehearse() -> None:
    """Walk the way that a request takes: memory that a fork shares is copied where it is touched,
    and that costs more than all the rest of it.
    """
    ours, theirs = _socket.socketpair()
    told = marshal.dumps(_REHEARSAL)
    theirs.sendall(len(told).to_bytes(_LENGTH_BYTES, sys.byteorder) + told)
    request = _request(ours)
    poll = select.poll()
    poll.register(ours, select.POLLIN)
    poll.poll(0)
    _tell(ours, ("exited", len(request["argv"])))
    ours.close()
    theirs.close()


def _prctl() -> Callable[[int, int], object]:
    """The call by that name, and nothing where there is none."""
    if sys.platform != "linux":
        return lambda _option, _value: None
    prctl = c_function("prctl")
    return lambda option, value: prctl(option, value, 0, 0, 0)


def _watch(handles: list[int], busy: Callable[[], object], woken: int) -> None:
    """One command, from its request to the end of all that came of it. `busy` is called as soon
    as the next warden may be forked.
    """
    control = _socket.socket(fileno=handles[0])
    request = _request(control)
    held = request.get("held")
    lock = -1 if held is None else _needed(held)
    try:
        command = _start(request, *handles[1:])
    except OSError as error:
        _tell(control, ("failed", error.errno or 0))
    else:
        busy()
        for handle in handles[1:]:
            os.close(handle)
        last = _serve(control, woken, command)
        is_alone = held is not None and _is_alone(control)
        if lock >= 0:
            os.close(lock)  # before the executor hears of the end, and takes down what is held
            lock = -1
        _tell(control, *last)
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


def _noticed(_number: int, _frame: FrameType | None) -> None:
    """The wake-up byte is all that a dead child has to cause."""


def _request(control: _socket.socket) -> Request:
    length = int.from_bytes(_exactly(control, _LENGTH_BYTES), sys.byteorder)
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
                _drained(woken)
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
        _tell(control, *facts)


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


def _tell(control: _socket.socket, *facts: Fact) -> None:
    if facts:
        try:
            control.sendall(b"".join(b'{"%s": %d}\n' % (what.encode(), n) for what, n in facts))
        except OSError:
            pass  # nobody listens any more
