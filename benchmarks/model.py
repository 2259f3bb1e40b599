"""The scripted model as a process, and what was asked of it.

Reads its log between runs, never during one.
"""

import subprocess
import sys
from collections.abc import Generator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

ROOT = Path(__file__).resolve().parents[1]


class Request(msgspec.Struct, frozen=True):
    """One request to the model, by the clock that all processes share (`time.monotonic`)."""

    body: str
    head_at: float
    answered_at: float | None

    @property
    def offers_tools(self) -> bool:
        """It is a turn of the agent, and no title or summary made beside it."""
        return bool(msgspec.json.decode(self.body).get("tools"))

    @property
    def size(self) -> int:
        """Bytes of the body."""
        return len(self.body.encode())


class Model:
    """One that runs; `base_url` ends in /v1."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self._read = 0

    def new_turns(self) -> list[Request]:
        """The turns that were asked since the last look."""
        with closing(HTTPConnection(urlsplit(self.base_url).netloc, timeout=30)) as connection:
            connection.request("GET", "/scripted/requests")
            log = connection.getresponse().read()
        everything = msgspec.json.decode(log, type=list[Request])
        fresh, self._read = everything[self._read :], len(everything)
        return [request for request in fresh if request.offers_tools]


@contextmanager
def running_model(steps: int) -> Generator[Model]:
    """A model that asks for `steps` shell commands; it ends with the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.shell_steps", "--steps", str(steps)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        with process.stdout as output:
            yield Model(output.readline().strip())
    finally:
        process.terminate()
        process.wait()
