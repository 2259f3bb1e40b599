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
import gc
import marshal
import os
import resource
import select
import sys

from executor.process.watch import IGNORED_ABOVE, LENGTH_BYTES, drained, read_request, tell, watch
from executor.sandbox.c_library import c_function

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable
    from types import FrameType
    from typing import NoReturn

else:
    import _signal as signal

PR_SET_CHILD_SUBREAPER = 36
_IDLE, _BUSY = b"i", b"b"
_NEWS_BYTES = 5
"""Of a warden to the program that forked it: its state, its process id."""
_HANDLES_OPEN_MAX = 1024
_HANDLES_MIN, _HANDLES_MAX = 4, 5
_HANDLE_BYTES = 4
_RIGHTS = _socket.CMSG_SPACE(_HANDLES_MAX * _HANDLE_BYTES)
_REHEARSAL = {"argv": ["sh", "-c", ":"], "environment": {"PATH": "/bin"}, "terminal": False}


def main(patience: float) -> None:
    """Keep a warden ready for the next command, until the executor is gone.

    It is there before its request: no command waits for a fork. One that has had a command waits
    for another one for `patience` seconds.
    """
    for number in IGNORED_ABOVE:
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
        drained(woken)
        dead = _buried()
        told = drained(news)
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
        tell(control, ("failed", number))
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
        watch(handles, lambda: _report(tell, _BUSY + me), woken)
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
    theirs.sendall(len(told).to_bytes(LENGTH_BYTES, sys.byteorder) + told)
    request = read_request(ours)
    poll = select.poll()
    poll.register(ours, select.POLLIN)
    poll.poll(0)
    tell(ours, ("exited", len(request["argv"])))
    ours.close()
    theirs.close()


def _prctl() -> Callable[[int, int], object]:
    """The call by that name, and nothing where there is none."""
    if sys.platform != "linux":
        return lambda _option, _value: None
    prctl = c_function("prctl")
    return lambda option, value: prctl(option, value, 0, 0, 0)


def _noticed(_number: int, _frame: FrameType | None) -> None:
    """The wake-up byte is all that a dead child has to cause."""
