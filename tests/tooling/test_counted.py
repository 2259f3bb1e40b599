"""The rooms of which every branch is run: that they are there, and that one gap fails the suite."""

import importlib.util
import os
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.architecture.sources import ROOT
from tests.counted import COUNTED_IN, FOLDER

CONFIGURATION = "tests/coverage.toml"
PRAGMAS_MAX = 1
"""Lines that no test on Linux can reach, each with its reason."""


def test_every_room_that_is_held_and_every_test_that_counts_is_there() -> None:
    with (ROOT / CONFIGURATION).open("rb") as file:
        settings = tomllib.load(file)["tool"]["coverage"]

    assert settings["report"]["fail_under"] == 100
    for folder in settings["run"]["source"]:
        assert (ROOT / folder / "__init__.py").exists(), folder
    for module in settings["run"]["source_pkgs"]:
        assert importlib.util.find_spec(module) is not None, module
    for path in COUNTED_IN:
        assert (FOLDER / path).exists(), path


def test_next_to_nothing_is_excused_from_being_run() -> None:
    excused = [
        line
        for package in ("protocol", "executor", "maestro")
        for path in (ROOT / package).rglob("*.py")
        for line in path.read_text().splitlines()
        if "pragma: no cover" in line
    ]

    assert len(excused) <= PRAGMAS_MAX
    assert all("no cover - " in line for line in excused)


def test_branches_that_are_not_run_fail_what_would_have_passed(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "--cov", f"--cov-config={CONFIGURATION}", "tests/protocol/test_golden.py"],
        cwd=ROOT,
        env=os.environ | {"COVERAGE_FILE": str(tmp_path / "counted")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert "Required test coverage of 100.0% not reached" in done.stdout, done.stdout + done.stderr
    for room in ("protocol/state.py", "executor/policy/decide.py", "executor/redaction/known.py"):
        assert room in done.stdout
    assert "failed" not in done.stdout
    assert done.returncode != 0
