"""The sequence by which a terminal takes a text for its clipboard.

OSC 52 of xterm's control sequences. Writes nothing.
"""

import base64
from typing import Literal

_TMUX_START, _TMUX_END = "\x1bPtmux;", "\x1b\\"


Through = Literal["terminal", "tmux"]


def copying(text: str, through: Through) -> str:
    """Through tmux also wrapped, so that either of its settings that let it pass does."""
    encoded = base64.b64encode(text.encode("utf-8", "replace")).decode()
    sequence = f"\x1b]52;c;{encoded}\x07"
    if through == "terminal":
        return sequence
    doubled = sequence.replace("\x1b", "\x1b\x1b")
    return f"{sequence}{_TMUX_START}{doubled}{_TMUX_END}"
