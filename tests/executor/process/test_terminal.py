"""What was drawn on a terminal becomes the text that a person would have read."""

import pytest

from executor.process.terminal import plain_text


@pytest.mark.parametrize(
    ("drawn", "text"),
    [
        ("plain\n", "plain\n"),
        ("two\r\nlines\r\n", "two\nlines\n"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[Htop", "top"),
        ("\x1b[?25lhidden\x1b[?25h", "hidden"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPq#0\x1b\\after", "after"),
        ("\x1b(Bascii", "ascii"),
        ("10%\r50%\r100%\n", "100%\n"),
        ("50%\r\x1b[K", "50%"),
        ("abx\bc", "abc"),
        ("\b\bx", "x"),
        ("bell\x07", "bell"),
        ("tab\there", "tab\there"),
        ("cut \x1b[3", "cut "),
        ("caf\u00e9 \u2713", "caf\u00e9 \u2713"),
        ("", ""),
    ],
)
def test_control_sequences_leave_no_trace(drawn: str, text: str) -> None:
    assert plain_text(drawn) == text
