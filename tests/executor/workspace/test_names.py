"""Names that no terminal likes come back as they were."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.workspace.names import from_printable, printable


@given(st.binary().map(os.fsdecode))
def test_printable_finds_the_way_back(name: str) -> None:
    shown = printable(name)

    assert shown.isprintable() or not name.isprintable()
    assert "\n" not in shown
    shown.encode()
    if shown != name:
        assert from_printable(shown) == name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a b", "a b"),
        ("a\\b", "a\\b"),
        ("a\nb", "a\\x0ab"),
        ("a\\\nb", "a\\\\\\x0ab"),
        (os.fsdecode(b"\xff"), "\\xff"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\x85", "\\xc2\\x85"),
        ("ünïcödé", "ünïcödé"),
    ],
)
def test_only_what_must_be_is_escaped(name: str, shown: str) -> None:
    assert printable(name) == shown
