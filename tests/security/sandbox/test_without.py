"""Where there is no sandbox, no probe runs unasked."""

from pathlib import Path

import pytest

from executor.policy.verdict import Ask, Deny, Mode
from tests.executor.policy.ground import build, built_in, policy
from tests.requirements import covers
from tests.security.sandbox.probes import PROBES


@covers("R-SANDBOX-3")
@pytest.mark.parametrize("mode", ["read-only", "ask", "auto-edit", "auto"])
@pytest.mark.parametrize("probe", sorted(PROBES))
def test_a_probe_asks_or_is_denied(tmp_path: Path, probe: str, mode: Mode) -> None:
    with policy(build(tmp_path), mode=mode, contained=False) as made:
        verdict = made.decide(built_in("Shell", command=PROBES[probe]))

    assert isinstance(verdict, Deny if mode == "read-only" else Ask)


def test_commands_of_mode_auto_run_unasked_only_where_they_are_contained(tmp_path: Path) -> None:
    root = build(tmp_path)
    for contained, allowed in ((True, True), (False, False)):
        with policy(root, mode="auto", contained=contained) as made:
            verdict = made.decide(built_in("Shell", command="make all"))
        assert isinstance(verdict, Ask) is not allowed
