"""What each mode and rule makes of reading the clipboard."""

from pathlib import Path

import pytest

from executor.policy.verdict import Allow, Ask, Deny, Mode
from tests.executor.policy.ground import build, built_in, policy
from tests.requirements import covers


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("outer"))


@covers("R-CLIP-3")
@pytest.mark.parametrize(
    ("mode", "allow", "expected"),
    [
        ("read-only", (), Deny),
        ("read-only", ("Clipboard",), Deny),
        ("ask", (), Ask),
        ("auto-edit", (), Ask),
        ("auto", (), Ask),
        ("ask", ("Clipboard",), Allow),
        ("auto", ("Clipboard",), Allow),
        ("auto", ("Shell",), Ask),
    ],
)
def test_reading_the_clipboard_asks_but_where_a_rule_names_it(
    mode: Mode, allow: tuple[str, ...], expected: type, root: Path
) -> None:
    with policy(root, mode=mode, allow=allow) as made:
        verdict = made.decide(built_in("Clipboard", action="read"))

    assert type(verdict) is expected
    if isinstance(verdict, Ask):
        assert (verdict.why, verdict.remember_rule) == (
            "it tells the model what your clipboard holds",
            "",
        )
