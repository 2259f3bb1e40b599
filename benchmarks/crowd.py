"""Many runs at once on one maestro: how long until all are done, and what they take.

    python -m benchmarks.crowd [--runs 50] [--steps 20] [--json FILE] [--quick]

So many `codegen` processes start at the same moment, each with a repository of its own and the same
20 shell calls, on one team's maestro (PostgreSQL with fsync, Redis). Memory is what is really taken
(PSS) by executors and maestro together, looked at in a second round, because looking costs time.
Processor time, of executors with all that they start, tells more than the clock on a busy machine.
"""

import argparse
import resource
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchmarks.agents import Agent, team
from benchmarks.measuring import WorkFailed, fresh_repository
from benchmarks.model import running_model
from benchmarks.processes import cpu_seconds, pss_mb, trees
from benchmarks.report import add_options, machine, machine_line, write_json
from benchmarks.table import table

LONGEST_S = 300.0
LOOK_S = 0.5


class Taken(msgspec.Struct, frozen=True):
    """PSS in MB, at the look at which the sum was highest."""

    executors: float = 0.0
    beneath: float = 0.0
    """What executors started: the wardens' programs, wardens, commands."""
    maestro: float = 0.0

    @property
    def all(self) -> float:
        return self.executors + self.beneath + self.maestro


class Report(msgspec.Struct, frozen=True):
    machine: dict[str, str]
    runs: int
    steps: int
    wall_s: float
    executors_cpu_s: float
    """With what they started."""
    maestro_cpu_s: float
    databases_cpu_s: float
    taken: Taken


def taken_by(executors: set[int], maestro: int) -> Taken:
    """By all that is there at this moment."""
    beneath = trees(executors).keys() - executors
    return Taken(pss_mb(executors), pss_mb(beneath), pss_mb(trees([maestro])))


def crowd(agent: Agent, runs: int, folder: Path, *, looks: bool) -> tuple[float, float, Taken]:
    """Seconds until all have ended well, those of processors, and the peak of memory where it was
    looked at.
    """
    repositories = [fresh_repository(Path(tempfile.mkdtemp(dir=folder))) for _ in range(runs)]
    began, spent = time.monotonic(), _spent()
    processes = [
        subprocess.Popen(
            agent.argv,
            cwd=repository,
            env=dict(agent.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for repository in repositories
    ]
    peak = Taken()
    try:
        for process in processes:
            while looks and process.poll() is None:
                alive = {one.pid for one in processes}
                peak = max(peak, taken_by(alive, agent.maestro() or 0), key=lambda taken: taken.all)
                time.sleep(LOOK_S)
            process.wait(LONGEST_S)
    finally:
        for process in processes:
            process.kill()
            process.wait()
    failed = [process.returncode for process in processes if process.returncode != 0]
    if failed:
        raise WorkFailed(f"{len(failed)} of {runs} runs failed: exit codes {sorted(set(failed))}")
    return time.monotonic() - began, _spent() - spent, peak


def _spent() -> float:
    """Processor seconds of whatever has been waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crowd")
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--steps", type=int, default=20)
    add_options(parser)
    given = parser.parse_args(arguments)
    runs, steps = (3, 2) if given.quick else (given.runs, given.steps)
    with (
        tempfile.TemporaryDirectory(prefix="cg-", dir="/tmp") as name,
        running_model(steps) as model,
        team(model.base_url, Path(name) / "team") as agent,
    ):
        crowd(agent, 1, Path(name), looks=False)
        pid = agent.maestro()
        assert pid is not None
        before = cpu_seconds([pid]), cpu_seconds(agent.beside)
        wall_s, executors_cpu_s, _ = crowd(agent, runs, Path(name), looks=False)
        after = cpu_seconds([pid]), cpu_seconds(agent.beside)
        *_, taken = crowd(agent, runs, Path(name), looks=True)
    report = Report(
        *(machine(), runs, steps, wall_s, executors_cpu_s),
        *(after[0] - before[0], after[1] - before[1], taken),
    )
    print(machine_line(report.machine), end="\n\n")
    heads = ("runs at once", "wall s", "executors CPU s", "maestro CPU s", "databases CPU s")
    seconds = (wall_s, executors_cpu_s, report.maestro_cpu_s, report.databases_cpu_s)
    print(table(heads, [(str(runs), *(f"{figure:.1f}" for figure in seconds))]), end="\n\n")
    parts = (taken.all, taken.executors, taken.beneath, taken.maestro)
    heads = ("taken MB", "executors", "what they start", "maestro")
    print(table(heads, [tuple(f"{figure:.0f}" for figure in parts)]))
    write_json(given.json, report)


if __name__ == "__main__":
    main()
