"""Maestros as processes of their own over PostgreSQL and Redis, to be killed one by one.

Starts `maestro serve`, arms it, ends it; the servers behind it are the test's.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from maestro.failpoints import VARIABLE
from tests.architecture.sources import ROOT
from tests.e2e.processes import until

START_SECONDS = 60.0
KEY = "sk-test-0000"


@dataclass(frozen=True)
class Backing:
    """What all maestros of a team share."""

    database_url: str
    redis_url: str
    model_url: str


class MaestroProcess:
    """One `maestro serve`; every start has a log of its own."""

    def __init__(self, folder: Path, name: str, backing: Backing) -> None:
        self._folder = folder
        self._name = name
        self._backing = backing
        self._process: subprocess.Popen[bytes] | None = None
        self._starts = 0
        self.port = 0
        self.environment: Mapping[str, str] = {}
        """Of the next start, beside what every maestro is told."""

    @property
    def address(self) -> tuple[str, int]:
        return ("127.0.0.1", self.port)

    @property
    def log(self) -> Path:
        return self._folder / f"{self._name}-{self._starts}.log"

    async def start(self, failpoint: str = "") -> None:
        """Return when it listens, on the port that it had before."""
        self._starts += 1
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "maestro", "serve", "--port", str(self.port)),
                    *("--auth", "none", "--log-format", "json"),
                    *("--database-url", self._backing.database_url),
                    *("--redis-url", self._backing.redis_url),
                    *("--model", "openai/scripted", "--base-url", self._backing.model_url),
                ],
                cwd=ROOT,
                env={"PATH": os.environ["PATH"], "OPENAI_API_KEY": KEY, VARIABLE: failpoint}
                | dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            await until(self._listens, f"{self._name} listens", START_SECONDS)
        except AssertionError as late:
            raise AssertionError(f"{late}; its log: {self.log.read_text()}") from None

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        assert self._process is not None
        return self._process.poll()

    @property
    def is_paused(self) -> bool:
        """It stands still by a signal."""
        assert self._process is not None
        shown = subprocess.run(
            ["ps", "-o", "stat=", "-p", str(self._process.pid)],
            capture_output=True,
            text=True,
            check=False,
        )
        return shown.stdout.startswith("T")

    def pause(self) -> None:
        self.signal(signal.SIGSTOP)

    def wake(self) -> None:
        self.signal(signal.SIGCONT)

    async def ended(self, seconds: float = 20.0) -> int:
        """Wait for its end; the exit code."""
        await until(lambda: self.exit_code is not None, f"{self._name} ends", seconds)
        return self.exit_code or 0

    def kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def _listens(self) -> bool:
        words = self.log.read_text()
        assert self.exit_code is None, f"{self._name} ended at its start: {words}"
        _, found, rest = words.partition("maestro all: http://127.0.0.1:")
        if found and "\n" in rest:
            self.port = int(rest.partition("\n")[0])
            return True
        return False


@contextmanager
def maestros(folder: Path, backing: Backing, *names: str) -> Generator[list[MaestroProcess]]:
    """So many, none of them started; none is left at the end."""
    made = [MaestroProcess(folder, name, backing) for name in names]
    try:
        yield made
    finally:
        for each in made:
            each.kill()
