"""The program from which wardens are forked: where it is started, and how it is spoken to.

Imports next to nothing, so that it can be started before all else. What a warden does is told in
`warden`.
"""

import os
import socket
import subprocess
import sys
from contextlib import ExitStack, suppress
from typing import Self

_PACKAGES = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
_WARDEN = (
    "import sys; sys.path.append(sys.argv[1]); "
    "from executor.process import warden; warden.main(float(sys.argv[2]))"
)
"""With -I -S nothing but the standard library is found; our own packages come last."""
IDLE_SECONDS = 30.0


class Nursery:
    """One such program at a time; another one is started when it is gone."""

    def __init__(self, idle_seconds: float = IDLE_SECONDS) -> None:
        """`idle_seconds`: how long a warden that has had a command waits for another one."""
        self._words = (_WARDEN, _PACKAGES, str(idle_seconds))
        self._running: tuple[subprocess.Popen[bytes], socket.socket] | None = None
        self._branch: tuple[tuple[str, ...], socket.socket] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def start_early(self) -> None:
        """`start`, where nobody waits for it: a machine that can't is told at the first command."""
        with suppress(OSError):
            self.start()

    def start(self) -> socket.socket:
        """Begin what the first command would wait for; where it takes requests. Raises OSError."""
        if self._running is not None and self._running[0].poll() is None:
            return self._running[1]
        self.close()
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                process = subprocess.Popen(
                    [sys.executable, "-I", "-S", "-X", "utf8", "-c", *self._words],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    cwd="/",
                    env={},
                    start_new_session=True,
                )
            except OSError:
                ours.close()
                raise
        self._running = process, ours
        return ours

    def hand_over(self, handles: list[int], join: tuple[str, ...] = ()) -> None:
        """Let a warden have `handles`; the caller closes its own. Raises OSError.

        The warden belongs to the control groups whose process lists `join` names.
        """
        try:
            socket.send_fds(self._joined(join), [b"+"], handles)
        except (BrokenPipeError, ConnectionResetError):  # it was killed
            self._let_branch_go()
            socket.send_fds(self._joined(join), [b"+"], handles)

    def _joined(self, join: tuple[str, ...]) -> socket.socket:
        """Where a program in these groups takes requests; one such at a time.

        A process that enters a group waits for the kernel, 10 ms and more, so one enters, once,
        and the wardens that it forks are there from the beginning.
        """
        if not join:
            return self.start()
        if self._branch is not None and self._branch[0] == join:
            return self._branch[1]
        requests = self.start()
        self._let_branch_go()
        ours, theirs = socket.socketpair()
        with theirs, ExitStack() as sent, ExitStack() as unless_sent:
            unless_sent.callback(ours.close)
            groups = [os.open(path, os.O_WRONLY | os.O_CLOEXEC) for path in join]
            for group in groups:
                sent.callback(os.close, group)
            socket.send_fds(requests, [b"+"], [theirs.fileno(), *groups])
            unless_sent.pop_all()
        self._branch = join, ours
        return ours

    def _let_branch_go(self) -> None:
        if self._branch is not None:
            self._branch[1].close()
            self._branch = None

    def close(self) -> None:
        """End the program; it waits for its wardens, and they have nothing to watch any more."""
        self._let_branch_go()
        if self._running is not None:
            process, requests = self._running
            requests.close()
            process.wait()
            self._running = None
