"""The program from which wardens are forked: where it is started, and how it is spoken to.

Imports next to nothing, so that it can be started before all else. What a warden does is told in
`warden`.
"""

import os
import socket
import subprocess
import sys
from contextlib import suppress
from typing import Self

_PACKAGES = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
_WARDEN = (
    "import sys; sys.path.append(sys.argv[1]); from executor.process import warden; warden.main()"
)
"""With -I -S nothing but the standard library is found; our own packages come last."""


class Nursery:
    """One such program at a time; another one is started when it is gone."""

    def __init__(self) -> None:
        self._running: tuple[subprocess.Popen[bytes], socket.socket] | None = None

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
                    [sys.executable, "-I", "-S", "-X", "utf8", "-c", _WARDEN, _PACKAGES],
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

    def hand_over(self, handles: list[int]) -> None:
        """Let a warden have `handles`; the caller closes its own. Raises OSError."""
        socket.send_fds(self.start(), [b"+"], handles)

    def close(self) -> None:
        """End the program; it waits for its wardens, and they have nothing to watch any more."""
        if self._running is not None:
            process, requests = self._running
            requests.close()
            process.wait()
            self._running = None
