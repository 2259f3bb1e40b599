"""Patterns of paths, held against the shell's own idea of a name where both have one."""

import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.workspace.patterns import BadPattern, glob_patterns, name_matcher, unfolded


@pytest.mark.parametrize(
    ("pattern", "plain"),
    [
        ("a{b,c{d,e}}", ("ab", "acd", "ace")),
        ("a{b}c{d,e}", ("a{b}cd", "a{b}ce")),
        (r"\{a,b}", (r"\{a,b}",)),
        ("{a,b", ("{a,b",)),
        ("a}{,b}", ("a}", "a}b")),
    ],
)
def test_braces_stand_for_their_alternatives(pattern: str, plain: tuple[str, ...]) -> None:
    assert unfolded(pattern) == plain


@given(
    st.lists(st.sampled_from(["a", "b", "*", "**", "?", "[ab]", "[!a]", "."]), max_size=6),
    st.text(alphabet="ab.", max_size=8),
)
def test_a_name_matches_as_it_does_for_the_standard_library(pieces: list[str], name: str) -> None:
    pattern = "".join(pieces)

    assert bool(name_matcher(pattern)(name)) == fnmatch.fnmatchcase(name, pattern)


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [("a**b", "ab", True), ("a**b", "axyb", True), ("a***", "a", True), ("**a", "b", False)],
)
def test_stars_in_a_row_are_one(pattern: str, name: str, *, matches: bool) -> None:
    assert bool(name_matcher(pattern)(name)) is matches


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("[b-a]", "bad character range"),
        ("[ab", "never closed"),
        ("{a,b}" * 9, "more than 256 patterns"),
    ],
)
def test_what_can_not_be_read_is_refused_in_words(pattern: str, why: str) -> None:
    with pytest.raises(BadPattern, match=why):
        glob_patterns(pattern)
