"""Make text from outside harmless to a terminal: whatever could drive it becomes visible.

Works on each character alone, so a sequence that is split over two pieces is caught as well.
"""

import re

_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and newline, DEL, C1
    "\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"  # bidi, zero-width
    "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0"  # nothing to be seen
    "\ufe00-\ufe0e"  # variants of signs; the one of emoji, the next, is common and kept
    "\ufeff\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\ud800-\udfff"  # lone surrogates: names that are no UTF-8
    "\U000e0000-\U000e0fff]"  # tags
)


def safe_text(text: str) -> str:
    """`text` with its lines and tabs kept and every other control made visible."""
    return _UNSAFE.sub(_visible, text.replace("\r\n", "\n"))


def safe_line(text: str, width: int = 160) -> str:
    """`text` on one line of at most `width` characters."""
    line = safe_text(text).replace("\n", "\u23ce").replace("\t", " ")
    return line if len(line) <= width else f"{line[: width - 1]}\u2026"


def _visible(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
