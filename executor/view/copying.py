"""The sequence by which a terminal takes a text for its clipboard.

OSC 52 of xterm's control sequences. Writes nothing.
"""

import base64
from typing import Literal

_START, _TMUX_START, _END = "\x1bP", "\x1bPtmux;", "\x1b\\"
_SCREEN_PART = 512
"""Characters that screen passes on at once; it drops a string of 768."""

Through = Literal["terminal", "tmux", "screen"]


def copying(text: str, through: Through) -> str:
    """Through tmux also wrapped, so that either of its settings that let it pass does; through
    screen wrapped in parts, which it hands on as they come."""
    encoded = base64.b64encode(text.encode("utf-8", "replace")).decode()
    sequence = f"\x1b]52;c;{encoded}\x07"
    match through:
        case "terminal":
            return sequence
        case "tmux":
            doubled = sequence.replace("\x1b", "\x1b\x1b")
            return f"{sequence}{_TMUX_START}{doubled}{_END}"
        case "screen":
            parts = range(0, len(sequence), _SCREEN_PART)
            return "".join(f"{_START}{sequence[at : at + _SCREEN_PART]}{_END}" for at in parts)
