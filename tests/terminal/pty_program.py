"""A program on a bare pseudo-terminal: its bytes, its signals, and the terminal's modes.

Every wait is bounded; the program ends with the block.
"""

import contextlib
import fcntl
import os
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager

WAIT_SECONDS = 15.0

# Makes the terminal the session's own, then becomes the program.
_ON_THE_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""

Modes = list[int | list[bytes | int]]


class PtyProgram:
    def __init__(self, process: subprocess.Popen[bytes], ours: int, theirs: int) -> None:
        self.process = process
        self._ours = ours
        self._theirs = theirs
        self.output = b""
        """Everything that was written so far."""

    def modes(self) -> Modes:
        return termios.tcgetattr(self._theirs)

    def write(self, data: bytes) -> None:
        os.write(self._ours, data)

    def read_until(self, expected: bytes) -> None:
        """Read until the output holds `expected`."""
        deadline = time.monotonic() + WAIT_SECONDS
        while expected not in self.output:
            assert time.monotonic() < deadline, self.output[-2000:]
            self.read(0.05)

    def read_to_end(self) -> int:
        """Read until the program has ended; its exit code, negative for a signal."""
        deadline = time.monotonic() + WAIT_SECONDS
        while self.process.poll() is None:
            assert time.monotonic() < deadline, self.output[-2000:]
            self.read(0.05)
        while self.read(0):
            pass
        return self.process.wait()

    def read(self, seconds: float) -> bool:
        """Take what is there within the time; False: nothing."""
        readable, _, _ = select.select([self._ours], [], [], seconds)
        if readable:
            with contextlib.suppress(OSError):
                self.output += os.read(self._ours, 65536)
        return bool(readable)


@contextmanager
def on_a_pty(
    command: Sequence[str], *, environment: Mapping[str, str], width: int = 80, height: int = 24
) -> Generator[PtyProgram]:
    """Start `command` as the leader of a session of its own on a terminal of this size."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _ON_THE_TERMINAL, *command],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=dict(environment),
        start_new_session=True,
    )
    try:
        yield PtyProgram(process, ours, theirs)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait()
        os.close(ours)
        os.close(theirs)
