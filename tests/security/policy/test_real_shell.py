"""What the policy calls harmless, run for real: the kernel tells what it touched."""

from pathlib import Path

import pytest

from tests.executor.policy.ground import built_in, policy
from tests.requirements import covers
from tests.security.policy.traced import (
    STRACE,
    faults,
    harmless_lines,
    picture,
    scratch,
    traced,
)

COUNT = 60
needs_strace = pytest.mark.skipif(STRACE is None, reason="strace is not installed")
REGRESSIONS = ["stat | tac --", "ls | tac"]
"""Once called harmless: these write a file of their own."""


@covers("R-POLICY-7")
@needs_strace
def test_what_runs_unasked_writes_nothing_opens_nothing_outside_and_runs_what_it_names(
    tmp_path: Path,
) -> None:
    outer = tmp_path / "outer"
    root = scratch(outer)
    before = picture(outer)
    for _, line in zip(range(COUNT), harmless_lines(11, root), strict=False):
        assert faults(line, traced(line, root, tmp_path / "trace"), root) == [], line
    assert picture(outer) == before


@needs_strace
def test_the_evidence_would_tell(tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    root = scratch(outer)
    for line, word in (
        ("touch src/x", "did "),
        ("cat src/link", "opened "),
        ("cat .env", "opened "),
        ("find . -name '*.py' -exec cat {} ; -exec wc {} ;".replace(" ;", " \\;"), "ran wc"),
        ("ls | tac", "did "),
    ):
        found = faults(line, traced(line, root, tmp_path / "trace"), root)
        assert any(fault.startswith(word) for fault in found), (line, found)


@pytest.mark.parametrize("line", REGRESSIONS)
def test_what_was_found_to_write_asks(line: str, tmp_path: Path) -> None:
    with policy(scratch(tmp_path / "outer")) as made:
        assert type(made.decide(built_in("Shell", command=line))).__name__ == "Ask"
