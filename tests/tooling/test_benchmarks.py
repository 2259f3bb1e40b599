"""The benchmarks run to their end and leave nothing behind; what they measure, no test judges."""

import itertools
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from benchmarks.chaos import FAULTS, schedule
from benchmarks.overhead import Report
from tests.architecture.sources import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the benchmarks read /proc")

PEER = f"{sys.executable} -m tests.tooling.scripted_agent {{base_url}}"


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.overhead", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_overhead_measures_both_private_maestros_and_a_peer(tmp_path: Path) -> None:
    written = tmp_path / "report.json"

    done = _run("--runs", "1", "--steps", "2", "--json", str(written), "--peer", PEER)

    assert (done.returncode, done.stderr) == (0, "")
    report = msgspec.json.decode(written.read_bytes(), type=Report)
    assert [(one.agent, len(one.runs)) for one in report.agents] == [
        ("codegen, cold private maestro", 1),
        ("codegen, warm private maestro", 1),
        (Path(sys.executable).name, 1),
    ]
    assert all(agent.agent in done.stdout for agent in report.agents)
    figures = [
        (run.first_ms, run.turn_ms, run.wall_s, run.cpu_s, run.request_kb)
        for agent in report.agents
        for run in agent.runs
    ]
    assert all(figure > 0 for run in figures for figure in run)


def test_a_seed_of_chaos_repeats_its_schedule() -> None:
    first, again, another = (list(itertools.islice(schedule(seed), 300)) for seed in (3, 3, 4))

    assert first == again
    assert first != another
    assert {planned.fault for planned in first} == set(FAULTS)
