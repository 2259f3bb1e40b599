"""Which commands run unasked: tables of ordinary ones, and of hostile ones that look ordinary.

The decisions are made on a real folder with real links; nothing is run.
"""

import os
from pathlib import Path

import pytest

from executor.policy.call import PlannedCall
from executor.policy.decide import PolicyState
from executor.policy.ground import ProjectGround
from executor.policy.policy import Policy
from executor.policy.verdict import Allow, Ask, Deny, Mode
from executor.workspace import Workspace
from protocol.tools.shell import Shell
from tests.executor.policy.ground import make_repository
from tests.requirements import covers

MODES: tuple[Mode, ...] = ("ask", "auto-edit")

TABLES = Path(__file__).parent
ORDINARY = (TABLES / "ordinary.txt").read_text().splitlines()
HOSTILE = (TABLES / "hostile.txt").read_text().splitlines()
PEERS = (TABLES / "peers.txt").read_text().splitlines()
"""Of the classes that advisories of peers tell of: wrappers, options that run something, variables
of git, expansions, look-alikes, and what a project's files make a program run."""
OVERLY_CAREFUL = {
    "git for-each-ref --format=%(refname)",
    """echo "price: \\$5" 'back`tick'""",
}
"""Of these, what asks all the same: 95 in 100 must not."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    outer = tmp_path_factory.mktemp("outer")
    root = outer / "project"
    (root / "src").mkdir(parents=True)
    (root / "README.md").write_text("read me\n")
    (root / "src" / "app.py").write_text("x = 1\n")
    (root / ".env").write_text("SECRET=synthetic\n")
    (root / "keys").mkdir()
    (root / "keys" / "server.pem").write_text("synthetic\n")
    (outer / "outside.txt").write_text("outside\n")
    os.symlink(outer, root / "leads_out")
    os.symlink("../../outside.txt", root / "src" / "link")
    make_repository(root, "README.md", "src/app.py")
    return root


def _verdict(command: str, root: Path, state: PolicyState) -> Allow | Ask | Deny:
    call = PlannedCall("Shell", "execute", Shell(command))
    workspace = Workspace(root)
    try:
        return Policy(state, ProjectGround(workspace, "/usr/bin:/bin")).decide(call)
    finally:
        workspace.close()


def test_the_tables_are_long_enough_and_too_much_care_is_rare() -> None:
    assert len(set(HOSTILE)) >= 600
    assert len(set(PEERS)) >= 750
    assert len(set(ORDINARY)) >= 420
    assert len(OVERLY_CAREFUL) <= len(ORDINARY) // 20


@pytest.mark.parametrize("command", [one for one in ORDINARY if one not in OVERLY_CAREFUL])
def test_an_ordinary_look_runs_unasked(command: str, project: Path) -> None:
    assert _verdict(command, project, PolicyState(trusted=True)) == Allow("it only looks")


@covers("R-POLICY-2")
@pytest.mark.parametrize("command", HOSTILE)
@pytest.mark.parametrize("mode", MODES)
def test_whatever_is_not_surely_harmless_asks(command: str, mode: Mode, project: Path) -> None:
    verdict = _verdict(command, project, PolicyState(mode=mode, trusted=True))
    assert isinstance(verdict, Ask) or verdict.rule == "secret files are left alone"


@covers("R-POLICY-3")
@pytest.mark.parametrize("command", HOSTILE)
def test_read_only_mode_denies_what_is_not_surely_harmless(command: str, project: Path) -> None:
    verdict = _verdict(command, project, PolicyState(mode="read-only", trusted=True))
    assert isinstance(verdict, Deny)


@covers("R-POLICY-2")
@pytest.mark.parametrize("mode", [*MODES, "read-only"])
def test_what_advisories_of_peers_tell_of_runs_in_no_mode_unasked(
    mode: Mode, project: Path
) -> None:
    workspace = Workspace(project)
    ground = ProjectGround(workspace, "/usr/bin:/bin")
    policy = Policy(PolicyState(mode=mode, trusted=True), ground)
    verdicts = {line: policy.decide(PlannedCall("Shell", "execute", Shell(line))) for line in PEERS}
    workspace.close()
    assert [line for line, verdict in verdicts.items() if isinstance(verdict, Allow)] == []
    assert mode != "read-only" or all(isinstance(one, Deny) for one in verdicts.values())


@pytest.mark.parametrize("command", ["git status", "git log --oneline -10", "ls && git diff"])
def test_git_asks_where_the_directory_is_not_trusted(command: str, project: Path) -> None:
    assert isinstance(_verdict(command, project, PolicyState()), Ask)


def test_a_command_of_ten_thousand_parts_asks(project: Path) -> None:
    verdict = _verdict(" && ".join(["ls"] * 10_000), project, PolicyState(trusted=True))
    assert isinstance(verdict, Ask)
