"""Nothing from outside can drive the terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.view.safe_text import safe_line, safe_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text\n\twith tab", "plain text\n\twith tab"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("\x1b]52;c;aGk=\x07", "\\x1b]52;c;aGk=\\x07"),
        ("\x9b2J", "\\x9b2J"),
        ("a\rb", "a\\x0db"),
        ("a\r\nb", "a\nb"),
        ("back\x08space\x7f", "back\\x08space\\x7f"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("nothing\u3164\u034f\U0001d173", "nothing\\u3164\\u034f\\U0001d173"),
        ("variant\ufe00", "variant\\ufe00"),
        ("sign\u2764\ufe0f", "sign\u2764\ufe0f"),
        ("lone\udc80", "lone\\udc80"),
        ("\u00e7\u00e3o \U0001f600", "\u00e7\u00e3o \U0001f600"),
    ],
)
def test_controls_become_visible_and_text_stays(text: str, shown: str) -> None:
    assert safe_text(text) == shown


@given(st.text(), st.integers(0, 50))
def test_a_sequence_split_over_two_pieces_is_caught_as_well(text: str, cut: int) -> None:
    shown = safe_text(text[:cut]) + safe_text(text[cut:])
    assert "\x1b" not in shown
    assert not any(ord(char) < 32 and char not in "\n\t" for char in shown)
    shown.encode()


def test_a_line_is_one_line_of_bounded_width() -> None:
    assert safe_line("a\nb\tc") == "a\u23ceb c"
    assert safe_line("x" * 30, 10) == "x" * 9 + "\u2026"
