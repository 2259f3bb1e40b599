"""A team's maestro under many streaming sessions: each part a process of its own.

Model, executors, PostgreSQL, Redis and the maestro are started and ended here; what the maestro
itself takes of the processors is read from the kernel, so that the others do not count.
"""

import http.client
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from benchmarks.agents import Agent, team
from benchmarks.model import ROOT
from benchmarks.processes import TICK_S, pss_mb
from benchmarks.report import percentile
from benchmarks.stream_clients import Heard

PROBE_S = 0.1


class Live(msgspec.Struct, frozen=True):
    """One window under so many sessions."""

    sessions: int
    offered_per_s: float
    """Pieces that the model writes."""
    heard: Heard
    maestro_cores: float
    """Processor time of the maestro's process a second."""
    machine_busy: float
    """Share of all processors that anything used, the load generator included (0 to 1)."""
    maestro_mb: float
    """Memory really taken (PSS) at the end of the window."""
    health_p95_ms: float


@dataclass(frozen=True)
class Standing:
    """A maestro that serves, and what it takes to come in."""

    address: str
    pid: int
    token: str


@contextmanager
def standing(folder: Path, source: Sequence[str]) -> Generator[Standing]:
    """A team's maestro over PostgreSQL (fsync on) and Redis whose model is `source`'s words."""
    with _source(source) as base_url, team(base_url, folder / "team") as agent:
        pid = agent.maestro()
        assert pid is not None
        try:
            yield Standing(_address(agent), pid, agent.environment["CODEGEN_TOKEN"])
        finally:
            os.kill(pid, signal.SIGKILL)  # nobody waits for what it is making


def measure(maestro: Standing, sessions: int, rate: float, seconds: float) -> Live:
    """Attach, let it run for a moment, then look for `seconds`."""
    with _clients(maestro, ("--sessions", str(sessions), "--seconds", str(seconds))) as clients:
        attached(clients)
        time.sleep(min(2.0, seconds / 2))
        cpu, busy, began = _cpu(maestro.pid), _busy(), time.monotonic()
        tell(clients)
        with _probing(maestro.address) as health_ms:
            heard = msgspec.json.decode(line(clients), type=Heard)
        took = time.monotonic() - began
        return Live(
            sessions=sessions,
            offered_per_s=sessions * rate,
            heard=heard,
            maestro_cores=(_cpu(maestro.pid) - cpu) / took,
            machine_busy=_share(busy, _busy()),
            maestro_mb=pss_mb([maestro.pid]),
            health_p95_ms=percentile(health_ms, 0.95),
        )


@contextmanager
def idling(maestro: Standing, sessions: int) -> Generator[None]:
    """So many executors are attached, their runs over, for as long as the block takes."""
    with _clients(maestro, ("--sessions", str(sessions), "--idle")) as clients:
        attached(clients)
        tell(clients)
        yield


def attached(clients: "subprocess.Popen[str]") -> None:
    said = line(clients)
    if said != "attached":
        sys.exit(f"the executors did not attach: {said!r}")


def tell(clients: "subprocess.Popen[str]") -> None:
    assert clients.stdin is not None
    clients.stdin.write("go\n")
    clients.stdin.flush()


def line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@contextmanager
def _source(arguments: Sequence[str]) -> Generator[str]:
    with _started(("benchmarks.stream_source", *arguments), {}) as process:
        yield line(process)


@contextmanager
def _clients(maestro: Standing, arguments: Sequence[str]) -> Generator["subprocess.Popen[str]"]:
    command = ("benchmarks.stream_clients", "--address", maestro.address, *arguments)
    with _started(command, {"CODEGEN_TOKEN": maestro.token}) as process:
        yield process


@contextmanager
def _started(
    module: Sequence[str], environment: dict[str, str]
) -> Generator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, "-m", *module],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate()


@contextmanager
def _probing(address: str) -> Generator[list[float]]:
    """Milliseconds of `GET /health`, asked on one connection every 100 ms by a thread."""
    taken: list[float] = []
    ended = threading.Event()

    def probe() -> None:
        with closing(http.client.HTTPConnection(urlsplit(address).netloc, timeout=10)) as door:
            while not ended.wait(PROBE_S):
                began = time.monotonic()
                door.request("GET", "/health")
                door.getresponse().read()
                taken.append((time.monotonic() - began) * 1000)

    thread = threading.Thread(target=probe, daemon=True)
    thread.start()
    try:
        yield taken
    finally:
        ended.set()
        thread.join()


def _address(agent: Agent) -> str:
    return agent.argv[agent.argv.index("--server") + 1]


def _cpu(pid: int) -> float:
    """Processor seconds of this one process."""
    text = Path(f"/proc/{pid}/stat").read_text()
    user, system = text[text.rindex(")") + 2 :].split()[11:13]
    return (int(user) + int(system)) * TICK_S


def _busy() -> tuple[float, float]:
    """Ticks of all processors since the machine began: in use, and all."""
    ticks = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    idle = ticks[3] + ticks[4]
    return sum(ticks) - idle, sum(ticks)


def _share(before: tuple[float, float], after: tuple[float, float]) -> float:
    return (after[0] - before[0]) / max(1.0, after[1] - before[1])
