"""The differences that users and models are shown, held against the standard library's."""

import difflib

from hypothesis import given
from hypothesis import strategies as st

from executor.workspace.diff import DIFF_MAX, Difference, difference, hunks

LINES = st.lists(st.sampled_from(["a", "b", "c", "", " a"]), max_size=30)


def _text(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


@given(LINES, LINES)
def test_hunks_turn_one_text_into_the_other(old: list[str], new: list[str]) -> None:
    lines, added, removed = hunks(_text(old), _text(new))

    assert added - removed == len(new) - len(old)
    taken = [line[1:-1] for line in lines if line[0] in " -"]
    given_ = [line[1:-1] for line in lines if line[0] in " +"]
    assert _in_order(taken, old)
    assert _in_order(given_, new)
    assert (not lines) == (old == new)


def _in_order(part: list[str], whole: list[str]) -> bool:
    rest = iter(whole)
    return all(line in rest for line in part)


def test_changes_far_from_each_other_have_a_hunk_each_with_three_lines_around() -> None:
    old = [str(number) for number in range(40)]
    new = ["first", *old[1:39], "last"]

    lines, added, removed = hunks(_text(old), _text(new))

    assert (added, removed) == (2, 2)
    expected = list(difflib.unified_diff(_text(old).splitlines(True), _text(new).splitlines(True)))
    assert lines == expected[2:]


def test_a_change_too_large_to_compare_is_told_as_one_replacement() -> None:
    old, new = [f"old {n}" for n in range(2100)], [f"new {n}" for n in range(2100)]
    old[1000] = new[1000] = "the same in both"

    lines, added, removed = hunks(_text(old), _text(new))

    assert (added, removed) == (2100, 2100)
    assert lines[0] == "@@ -1,2100 +1,2100 @@\n"
    assert [line[0] for line in lines[1:]] == ["-"] * 2100 + ["+"] * 2100


def test_a_long_difference_is_cut_at_a_line_and_says_how_much_is_missing() -> None:
    found = difference("f", "", "x" * 99 + "\n" + ("y" * 99 + "\n") * 2000)

    assert len(found.diff) < DIFF_MAX + 100
    assert (found.added, found.removed) == (2001, 0)
    assert found.diff.endswith(" more lines of the diff]\n")


def test_equal_texts_have_no_difference_and_an_end_without_a_line_feed_shows() -> None:
    assert difference("f", "a\n", "a\n") == Difference("", 0, 0)
    assert difference("f", "a", "b\n").diff == (
        "--- f\n+++ f\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n"
    )
