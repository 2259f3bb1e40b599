"""A pseudo-terminal at which nobody types, and the plain text of what was drawn on it.

Pure but for the opening; keeps no screen: what a line showed last is what counts.
"""

import os
import re
import termios
from contextlib import suppress

ROWS, COLUMNS = 24, 80
ENVIRONMENT = {"TERM": "xterm", "COLUMNS": str(COLUMNS), "LINES": str(ROWS)}
_END_OF_FILE = b"\x04"
_READERS = 8
"""So many reads of the command's find the end of the file."""

_LOCAL_FLAGS = 3
_OUTPUT_FLAGS = 1

_SEQUENCE = re.compile(
    r"\x1b(?:"
    r"\[[0-?]*[ -/]*(?:[@-~]|$)"  # CSI: colours, cursor, modes
    r"|\][^\x07\x1b]*(?:\x07|\x1b\\|$)"  # OSC: titles, links
    r"|[PX^_][^\x1b]*(?:\x1b\\|$)"  # DCS, SOS, PM, APC
    r"|[ -/]*[0-~]"  # the short ones
    r")?"
)
_CONTROL = re.compile("[\x00-\x07\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_BACK = re.compile("[^\b]\b")


def open_terminal() -> tuple[int, int]:
    """The handle that we read and the one that the command gets. Raises OSError."""
    ours, theirs = os.openpty()
    attributes = termios.tcgetattr(theirs)
    attributes[_LOCAL_FLAGS] &= ~termios.ECHO
    attributes[_OUTPUT_FLAGS] &= ~termios.ONLCR
    termios.tcsetattr(theirs, termios.TCSANOW, attributes)
    termios.tcsetwinsize(theirs, (ROWS, COLUMNS))
    return ours, theirs


def end_input(terminal: int) -> None:
    """Let the next reads find the end of the file; where there is no room, they do already."""
    with suppress(OSError):
        os.write(terminal, _END_OF_FILE * _READERS)


def plain_text(drawn: str) -> str:
    """`drawn` without control sequences; of a line that was drawn again, its last form."""
    text = _SEQUENCE.sub("", drawn).replace("\r\n", "\n")
    return "\n".join(map(_last_form, text.split("\n")))


def _last_form(line: str) -> str:
    while "\b" in line:
        shorter = _BACK.sub("", line)
        line = shorter if shorter != line else line.replace("\b", "")
    forms = [form for form in line.split("\r") if form]
    return _CONTROL.sub("", forms[-1] if forms else "")
