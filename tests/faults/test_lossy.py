"""Packets that never arrive: some of each direction, then all of one."""

import json
import subprocess
import sys

import pytest

from tests.architecture.sources import ROOT
from tests.faults.lossy import wrapper


def test_lost_packets_and_a_line_that_is_dead_one_way_cost_no_run(
    postgres_dsn: str, redis_url: str
) -> None:
    if wrapper() is None:
        pytest.skip("this machine gives no network namespace with iptables")

    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.faults.lossy", "--one-way", "1"),
            *("--database-url", postgres_dsn, "--redis-url", redis_url),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["outcomes"], told["violations"]) == (["success"], [])
    assert told["dropped"] > 0
