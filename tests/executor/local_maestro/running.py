"""Start private maestros for a test, and end every one of them with it.

Finds them by the socket that they listen on; ends by pid.
"""

import contextlib
import os
import signal
import socket
import struct
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from executor.local_maestro.place import Place, place
from executor.local_maestro.start import PrivateMaestro, ensure
from executor.settings import Folders, Settings

KEY = "sk-test-0000"
SECONDS = 20.0


@dataclass
class Here:
    """One user's folders, and the maestros that were started from them."""

    folders: Folders
    environment: dict[str, str]
    pids: set[int] = field(default_factory=set[int])

    def place(self, settings: Settings | None = None) -> Place:
        return place(self.folders, settings or Settings(), self.environment)

    def ensure(
        self, settings: Settings | None = None, *, idle_seconds: float = 60.0
    ) -> PrivateMaestro:
        chosen = settings or Settings()
        found = ensure(
            self.place(chosen), self.folders, chosen, self.environment, idle_seconds=idle_seconds
        )
        self.pids.add(listener_pid(found.socket))
        return found


@contextmanager
def here(folder: Path) -> Generator[Here]:
    """`folder` is short enough for a socket's path."""
    folders = Folders(folder / "config", folder / "state", folder / "run")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "OPENAI_API_KEY": KEY,
        "CODEGEN_TOKEN": "cg_synthetic",
    }
    made = Here(folders, environment)
    try:
        yield made
    finally:
        for pid in made.pids:
            end(pid, signal.SIGTERM)


def listener_pid(path: Path) -> int:
    """Whose the socket at `path` is."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.connect(str(path))
        found = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return struct.unpack("3i", found)[0]


def end(pid: int, number: signal.Signals) -> None:
    """Signal it and wait until it is gone; its parent, this process, reaps it."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
    wait_gone(pid)


def wait_gone(pid: int) -> None:
    deadline = time.monotonic() + SECONDS
    while is_there(pid):
        assert time.monotonic() < deadline, f"{pid} is still there"
        time.sleep(0.02)


def is_there(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):
        return os.waitpid(pid, os.WNOHANG)[0] == 0
    return Path(f"/proc/{pid}").exists()
