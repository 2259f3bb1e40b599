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
from tests.servers.postgres_server import find_postgres, unprivileged
from tests.servers.redis_server import find_valkey

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the benchmarks read /proc")

needs_servers = pytest.mark.skipif(
    find_postgres() is None or find_valkey() is None or unprivileged() is None,
    reason="PostgreSQL and Redis of the development requirements can't run here",
)
WITH_SERVERS = ("bus", "crowd", "idle", "ledger", "long_session", "relay", "sandbox", "sessions")
PEER = f"{sys.executable} -m tests.tooling.scripted_agent {{base_url}}"


def _run(*arguments: str, benchmark: str = "overhead") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", f"benchmarks.{benchmark}", *arguments],
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


@pytest.mark.parametrize(
    "benchmark", ["search", *(pytest.param(name, marks=needs_servers) for name in WITH_SERVERS)]
)
def test_each_benchmark_runs_to_its_end_and_writes_what_it_shows(
    benchmark: str, tmp_path: Path
) -> None:
    written = tmp_path / "report.json"

    done = _run("--quick", "--json", str(written), benchmark=benchmark)

    assert (done.returncode, done.stderr) == (0, "")
    assert "| ---" in done.stdout
    report = msgspec.json.decode(written.read_bytes())
    assert report["machine"]["processors"]
    assert len(report) > 1
