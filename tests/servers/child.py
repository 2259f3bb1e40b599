"""Run one real server process that never outlives the tests.

Knows no server by name.
"""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

START_SECONDS = 20.0
STOP_SECONDS = 10.0
_POLL_SECONDS = 0.005

# Asks Linux to kill this process when the tests' process is gone, then becomes the server.
# After any change of credentials, which would take the wish back.
_TETHERED = """
import ctypes, os, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
os.execv(sys.argv[1], sys.argv[1:])
"""


class StartError(RuntimeError):
    """The server ended, or stayed silent, before it was ready; the message holds its log."""


class Child:
    """A server process, its log, and its end."""

    def __init__(self, argv: Sequence[str], *, log: Path, wrapper: Sequence[str] = ()) -> None:
        """Start `argv` through `wrapper`; its output is appended to `log`."""
        # The kernel watches the thread that forks, not the process.
        assert threading.current_thread() is threading.main_thread()
        self._log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [*wrapper, sys.executable, "-I", "-S", "-c", _TETHERED, *argv],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Return when `ready()`; StartError when the process ends first or takes too long."""
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.end(signal.SIGKILL)
                raise StartError(self._log.read_text(errors="replace")[-2000:])
            time.sleep(_POLL_SECONDS)

    def end(self, by: signal.Signals) -> None:
        """Send `by` and wait for the end; a process that does not obey in time is killed."""
        self._process.send_signal(by)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
