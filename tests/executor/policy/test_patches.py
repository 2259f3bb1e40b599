"""What the policy makes of a patch: every path in it counts, wherever it stands."""

from collections.abc import Generator
from pathlib import Path
from typing import Any, get_args

import pytest

from executor.policy.call import PlannedCall
from executor.policy.policy import Policy
from executor.policy.verdict import Allow, Ask, Deny, Mode
from protocol.tools.apply_patch import ApplyPatch
from tests.executor.policy.ground import build, policy
from tests.requirements import covers


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("outer"))


@pytest.fixture
def asking(root: Path) -> Generator[Policy]:
    with policy(root) as made:
        yield made


def _call(*sections: str) -> PlannedCall:
    patch = "\n".join(("*** Begin Patch", "*** Add File: fine.txt", "+x", *sections))
    return PlannedCall("ApplyPatch", "write", ApplyPatch(f"{patch}\n*** End Patch"))


@covers("R-POLICY-1")
@pytest.mark.parametrize("path", ["../out", "/etc/passwd", ".env", ".git/config", ".codegen/x"])
@pytest.mark.parametrize(
    "section",
    [
        ("*** Add File: {}", "+x"),
        ("*** Delete File: {}",),
        ("*** Update File: {}", "@@", "-a", "+b"),
        ("*** Update File: {}", "*** Move to: elsewhere"),
        ("*** Update File: other", "*** Move to: {}"),
        ("*** Update File: other", "*** Move to: {}", "@@", "-a", "+b"),
    ],
)
def test_one_path_that_is_denied_denies_the_patch(
    root: Path, path: str, section: tuple[str, ...]
) -> None:
    call = _call(*(line.format(path) for line in section))

    with policy(root, mode="auto") as auto:
        assert isinstance(auto.decide(call), Deny)


def test_a_patch_is_an_edit_to_every_mode(root: Path) -> None:
    verdicts: dict[Mode, type] = {}
    for mode in get_args(Mode):
        with policy(root, mode=mode) as made:
            verdicts[mode] = type(made.decide(_call()))

    assert verdicts == {"read-only": Deny, "ask": Ask, "auto-edit": Allow, "auto": Allow}


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({"deny": ("Write(src/**)",)}, Deny),
        ({"deny": ("Write(moved/*)",)}, Deny),
        ({"deny": ("ApplyPatch",)}, Deny),
        ({"allow": ("Write(fine.txt)",)}, Ask),
        ({"allow": ("Write(**)",)}, Allow),
        ({"allow": ("Write",), "ask": ("Write(moved/**)",)}, Ask),
    ],
)
def test_a_rule_that_tightens_holds_for_any_path_and_one_that_allows_for_all(
    root: Path, rules: dict[str, Any], expected: type
) -> None:
    call = _call("*** Update File: src/a.py", "*** Move to: moved/a.py")

    with policy(root, **rules) as made:
        assert isinstance(made.decide(call), expected)


def test_what_is_no_patch_is_asked_about_and_denied_where_only_reads_are_allowed(
    root: Path, asking: Policy
) -> None:
    call = PlannedCall("ApplyPatch", "write", ApplyPatch("no patch"))

    assert isinstance(asking.decide(call), Ask)
    with policy(root, mode="read-only") as made:
        assert isinstance(made.decide(call), Deny)
