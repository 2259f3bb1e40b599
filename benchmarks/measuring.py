"""Do the work once with one agent: a fresh repository, one prompt, so many shell calls.

Times come from the model's log and the kernel; memory is watched in a run of its own, because
watching costs processor time.
"""

import os
import select
import shutil
import signal
import statistics
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import msgspec

from benchmarks.agents import Agent
from benchmarks.model import Model, Request
from benchmarks.processes import MB, cpu_seconds, resident_mb, trees

LONGEST_RUN_S = 120.0
LONGEST_WORK_S = 1800.0
LOOK_S = 0.01


class Run(msgspec.Struct, frozen=True):
    """What one run took."""

    first_ms: float
    """Start of the process until the head of the first request to the model."""
    turn_ms: float
    """Median of: last byte of an answer until the head of the next request."""
    wall_s: float
    cpu_s: float
    """User and system, of every process that took part and was waited for by its parent."""
    request_kb: float
    """Body of the first request."""


class Memory(msgspec.Struct, frozen=True):
    """Peaks in MB."""

    agent: float
    """The process that was started, alone."""
    everything: float
    """Sum over it, all below it, and its maestro."""


class WorkFailed(RuntimeError):
    """The agent did not do the work; the message has its last words."""


@dataclass(frozen=True)
class Work:
    """The same for every agent: `steps` shell calls that `model` asks for."""

    model: Model
    steps: int
    folder: Path


def measure(agent: Agent, work: Work) -> Run:
    standing = _standing(agent)
    cpu_before = cpu_seconds(standing)
    with _launched(agent, work) as launched:
        launched.wait(LONGEST_RUN_S)
        wall_s = time.monotonic() - launched.started
        own_cpu_s = launched.reap()
    turns = _checked(agent, work, launched)
    cpu_s = own_cpu_s + cpu_seconds(_standing(agent)) - cpu_before
    if agent.is_cold:
        agent.forget()
    between = [
        after.head_at - before.answered_at
        for before, after in pairwise(turns)
        if before.answered_at is not None
    ]
    return Run(
        first_ms=(turns[0].head_at - launched.started) * 1000,
        turn_ms=statistics.median(between) * 1000,
        wall_s=wall_s,
        cpu_s=cpu_s,
        request_kb=turns[0].size / 1000,
    )


def work_once(agent: Agent, work: Work) -> list[Request]:
    """The turns that the model saw, however long they take."""
    with _launched(agent, work) as launched:
        while not launched.wait(LONGEST_RUN_S, of_all=LONGEST_WORK_S):
            pass
        launched.reap()
    turns = _checked(agent, work, launched)
    agent.forget()
    return turns


def watch_memory(agent: Agent, work: Work) -> Memory:
    """The same work once more, looked at every 10 ms; its times mean nothing."""
    agent_mb = everything_mb = 0.0
    with _launched(agent, work) as launched:
        while not launched.wait(LOOK_S):
            agent_mb = max(agent_mb, _peak_mb(launched.pid))
            seen = trees([launched.pid, *filter(None, [agent.maestro()])])
            everything_mb = max(everything_mb, sum(map(resident_mb, seen)))
        launched.reap()
    _checked(agent, work, launched)
    if agent.is_cold:
        agent.forget()
    return Memory(agent_mb, everything_mb)


class _Launched:
    """The agent's process, from its start to its end."""

    def __init__(self, process: "subprocess.Popen[bytes]", started: float, output: Path) -> None:
        self.pid = process.pid
        self.started = started
        self._process = process
        self._handle = os.pidfd_open(process.pid)
        self._output = output

    def wait(self, seconds: float, of_all: float = LONGEST_RUN_S) -> bool:
        """Whether it ended within `seconds`; WorkFailed once `of_all` have passed."""
        ended, _, _ = select.select([self._handle], [], [], seconds)
        if not ended and time.monotonic() - self.started > of_all:
            raise WorkFailed(f"it did not end within {of_all:.0f} s")
        return bool(ended)

    def reap(self) -> float:
        """Processor seconds of it and what it waited for; raises WorkFailed when it failed."""
        _, status, usage = os.wait4(self.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        if self._process.returncode != 0:
            raise WorkFailed(f"exit code {self._process.returncode}: {self.last_words()}")
        return usage.ru_utime + usage.ru_stime

    def last_words(self) -> str:
        return self._output.read_text(errors="replace")[-2000:]

    def close(self) -> None:
        """End what is left of it."""
        if self._process.returncode is None:
            os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()
        os.close(self._handle)


@contextmanager
def _launched(agent: Agent, work: Work) -> Generator[_Launched]:
    folder = Path(tempfile.mkdtemp(dir=work.folder))
    repository = fresh_repository(folder)
    with (folder / "output").open("wb") as output:
        started = time.monotonic()
        process = subprocess.Popen(
            agent.argv,
            cwd=repository,
            env=dict(agent.environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    launched = _Launched(process, started, folder / "output")
    try:
        yield launched
    finally:
        launched.close()


def _checked(agent: Agent, work: Work, launched: _Launched) -> list[Request]:
    """The turns that the model saw, which must be the work and nothing else."""
    turns = work.model.new_turns()
    if len(turns) != work.steps + 1:
        raise WorkFailed(
            f"{agent.name}: {len(turns)} requests instead of {work.steps + 1}: "
            f"{launched.last_words()}"
        )
    return turns


def _standing(agent: Agent) -> list[int]:
    return [*agent.beside, *filter(None, [agent.maestro()])]


def fresh_repository(folder: Path) -> Path:
    repository = folder / "repository"
    repository.mkdir()
    (repository / "README.md").write_text("# A small project\n")
    git = shutil.which("git") or "git"
    as_somebody = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.invalid")
    for arguments in (("init", "-q"), ("add", "."), (*as_somebody, "commit", "-qm", "Begin")):
        subprocess.run([git, *arguments], cwd=repository, check=True, capture_output=True)
    return repository


def _peak_mb(pid: int) -> float:
    """The most that this process ever held, since its program began."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    peaks = [line.split()[1] for line in lines if line.startswith("VmHWM")]
    return int(peaks[0]) * 1024 / MB if peaks else 0.0


def time_command(argv: tuple[str, ...], environment: dict[str, str]) -> float:
    """Milliseconds from start to end; its output is dropped, its failure is not."""
    started = time.monotonic()
    subprocess.run(argv, env=environment, check=True, capture_output=True)
    return (time.monotonic() - started) * 1000
