"""What a session's policy answers beside its verdicts, and what it reads anew for each of them."""

from pathlib import Path

import pytest

from executor.errors import UsageError
from executor.policy.call import PlannedCall
from executor.policy.decide import PolicyState
from executor.policy.ground import ProjectGround
from executor.policy.policy import Policy
from executor.policy.rules import parse_rule
from executor.policy.verdict import Allow, Ask
from executor.workspace import Workspace
from tests.executor.policy.ground import PATH, build, built_in, policy


@pytest.mark.parametrize(
    ("call", "looks"),
    [
        (built_in("Git", args=("log", "-3")), True),
        (built_in("Git", args=("commit", "-m", "x")), False),
        (built_in("Shell", command="git log && cat README.md"), True),
        (built_in("Shell", command="touch x"), False),
        (built_in("Shell", command="ls", workdir="../elsewhere"), False),
        (built_in("ReadFile", file_path="README.md"), True),
        (built_in("WriteFile", file_path="README.md", content=""), False),
        (PlannedCall("Git", "execute", {"args": ["log"]}, custom=True), False),
        (PlannedCall("Look", "read", {}, custom=True), True),
    ],
)
def test_what_changes_nothing_is_known_without_trust(
    call: PlannedCall, *, looks: bool, tmp_path: Path
) -> None:
    with policy(build(tmp_path), trusted=False) as made:
        assert made.only_looks(call) is looks


def test_in_auto_a_command_asks_from_the_moment_that_nothing_holds_it(tmp_path: Path) -> None:
    workspace = Workspace(build(tmp_path))
    holding = [True]
    made = Policy(
        PolicyState("auto", trusted=True), ProjectGround(workspace, PATH), lambda: holding[-1]
    )
    command = built_in("Shell", command="make")

    held = made.decide(command)
    holding.append(False)
    let_go = made.decide(command)
    edited = made.decide(built_in("WriteFile", file_path="x", content=""))
    made.set_mode("auto-edit")
    workspace.close()

    assert held == Allow(rule="mode auto")
    assert isinstance(let_go, Ask)
    assert let_go.why.endswith(", and there is no sandbox to hold it")
    assert edited == Allow(rule="mode auto")


def test_to_end_ones_own_command_is_nobodys_question(tmp_path: Path) -> None:
    with policy(build(tmp_path), mode="read-only") as made:
        assert made.decide(built_in("ShellKill", shell_id="s1")) == Allow(rule="it only looks")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is not of the form"),
        ("Shell(", "is not of the form"),
        ("Shell( )", "is not of the form"),
        ("1Tool", "is not of the form"),
        ("MyTool(x)", "MyTool takes no pattern"),
        ("WebFetch(a b)", "policy rule"),
    ],
)
def test_what_is_no_rule_is_quoted(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why) as refused:
        parse_rule(text)
    assert repr(text) in str(refused.value)
