"""The passage that an edit may have meant, where what it says stands nowhere."""

import pytest

from executor.workspace.passage import nearest

TEXT = "def f():\n    return one\n\ndef g():\n    return two\n"


@pytest.mark.parametrize(
    ("passage", "first", "differs"),
    [
        ("     2\t    return one", 2, "the line numbers, which are not part of the file"),
        ("    return one   ", 2, "trailing white space"),
        ("\treturn two", 5, "tabs where old_string has spaces, or the other way round"),
        ("return  two", 5, "white space"),
        ("def g(): return two", 4, "where its lines break, or blank lines"),
        ("    return one more", 2, "its words"),
    ],
)
def test_the_nearest_passage_is_found_with_what_differs(
    passage: str, first: int, differs: str
) -> None:
    near = nearest(TEXT, passage)

    assert near is not None
    assert (near.first, near.differs) == (first, differs)


@pytest.mark.parametrize(
    "passage", ["", " \n\t\n", "     7\tsomething else\n", "a\n", "w " * 501, "nowhere near this"]
)
def test_what_is_like_nothing_there_is_near_nothing(passage: str) -> None:
    assert nearest(TEXT, passage) is None
