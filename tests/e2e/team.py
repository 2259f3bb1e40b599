"""A team's server as docker-compose.yml has it, as processes: maestros over PostgreSQL and Redis.

Starts, kills and ends them; the load balancer in front is each test's own.
"""

import contextlib
import re
import signal
import socket
import subprocess
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from tests.e2e.machine import KEY, installed
from tests.servers.child import Child

LISTENS = re.compile(r"^maestro \w+: (?:http://127\.0\.0\.1:(\d+)|unix:.*|working)$", re.MULTILINE)


class Served:
    """One `maestro serve`, from its announcement on."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.log = log
        env = [f"{name}={value}" for name, value in environment.items()]
        self._child = Child(
            ["/usr/bin/env", "-i", *env, *installed("maestro"), "serve", *arguments], log=log
        )

    def wait(self) -> None:
        """Until it says that it is there."""
        self._child.wait_until(lambda: LISTENS.search(self.log.read_text()) is not None)

    @property
    def address(self) -> tuple[str, int]:
        found = LISTENS.search(self.log.read_text())
        assert found is not None
        return "127.0.0.1", int(found[1])

    def get(self, path: str) -> tuple[int, Any]:
        """Status and JSON of one request."""
        host, port = self.address
        response = httpx2.get(f"http://{host}:{port}{path}", trust_env=False, timeout=10)
        return response.status_code, response.json()

    def kill(self) -> None:
        self._child.end(signal.SIGKILL)

    def end(self) -> None:
        """As an operator does: it drains."""
        self._child.end(signal.SIGTERM)


@dataclass
class Team:
    """The settings that its maestros share, and how to start one."""

    folder: Path
    environment: dict[str, str]
    model_port: int
    token: str = ""
    maestros: list[Served] = field(default_factory=list[Served])

    def start(self, *arguments: str, **environment: str) -> Served:
        log = self.folder / f"maestro-{len(self.maestros)}.log"
        log.touch()
        flags = arguments or ("--port", "0")
        served = Served(flags, self.environment | environment, log)
        self.maestros.append(served)
        return served

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`maestro` with these arguments, to its end."""
        return subprocess.run(
            [*installed("maestro"), *arguments],
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextlib.contextmanager
def team(folder: Path, database_url: str, redis_url: str) -> Generator[Team]:
    """A migrated database, one account, and no maestro yet; those that are started are killed.

    Its model is asked at a port of 127.0.0.1 where each test puts its own.
    """
    port = free_port()
    made = Team(
        folder,
        {
            "PATH": "/usr/bin:/bin",
            "HOME": str(folder),
            "MAESTRO_DATABASE_URL": database_url,
            "MAESTRO_REDIS_URL": redis_url,
            "MAESTRO_MODEL": "openai/scripted",
            "OPENAI_API_KEY": KEY,
            "OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1",
        },
        port,
    )
    try:
        migrated = made.run("migrate")
        assert migrated.returncode == 0, migrated.stderr
        created = made.run("keys", "create", "alice")
        assert created.returncode == 0, created.stderr
        made.token = created.stdout.strip()
        yield made
    finally:
        for maestro in made.maestros:
            maestro.kill()
