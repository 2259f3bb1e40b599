"""Everything that could drive a terminal, and what of it reaches one.

Data, and a reader of a terminal's bytes that knows the few sequences that the view itself writes.
"""

import re

SEQUENCES: dict[str, str] = {
    "title": "\x1b]0;OWNED by me\x07",
    "title, the other end": "\x1b]2;OWNED\x1b\\",
    "title of C1": "\x9d0;OWNED\x9c",
    "clipboard": "\x1b]52;c;T1dORUQ=\x07",
    "clipboard, asked": "\x1b]52;c;?\x07",
    "link": "\x1b]8;;http://evil.test\x07here\x1b]8;;\x07",
    "colours of the terminal": "\x1b]4;1;#000000\x07",
    "notification": "\x1b]9;OWNED\x07",
    "file of iTerm": "\x1b]1337;File=name=eA==:eA==\x07",
    "folder": "\x1b]7;file:///etc\x07",
    "paint": "\x1b[31;5;7m",
    "invisible": "\x1b[8m",
    "cursor up": "\x1b[9A",
    "cursor home": "\x1b[H",
    "cursor to": "\x1b[5;5H",
    "cursor kept": "\x1b7\x1b[s",
    "erase all": "\x1b[2J",
    "erase below": "\x1b[J",
    "erase line": "\x1b[2K",
    "erase what has scrolled": "\x1b[3J",
    "other screen": "\x1b[?1049h",
    "cursor hidden": "\x1b[?25l",
    "mouse": "\x1b[?1003h",
    "pastes": "\x1b[?2004l",
    "frame that never ends": "\x1b[?2026h",
    "scroll region": "\x1b[1;2r",
    "reset": "\x1bc",
    "keys of the pad": "\x1b=",
    "other letters": "\x1b(0",
    "where am I": "\x1b[6n",
    "who are you": "\x1b[c",
    "answer back": "\x05",
    "window": "\x1b[8;1;1t",
    "title told": "\x1b[21t",
    "DCS": "\x1bP+q544e\x1b\\",
    "sixel": "\x1bPq#0;2;0;0;0#0~~@@\x1b\\",
    "APC": "\x1b_Ga=T;AAAA\x1b\\",
    "PM": "\x1b^OWNED\x1b\\",
    "SOS": "\x1bXOWNED\x1b\\",
    "through tmux": "\x1bPtmux;\x1b\x1b]0;OWNED\x07\x1b\\",
    "C1": "\x9b2J\x90q\x9c\x98x\x9e\x9f",
    "cut off": "\x1b[",
    "cut off in a title": "\x1b]0;",
    "over and over": "\x1b" * 5,
    "overwriting": "harmless\rOWNED",
    "backspaces": "harmless\x08\x08\x08OWNED",
    "form feed": "\x0c\x0b",
    "bell": "\x07",
    "shift": "\x0e\x0f",
    "NUL and DEL": "\x00\x7f\x1a",
    "right to left": "\u202eOWNED\u202c",
    "isolates": "\u2066if admin\u2069 \u2067x\u2068",
    "marks": "\u200e\u200f\u061c",
    "zero width": "a\u200bb\u200cc\u200dd\u2060\ufeff",
    "tags": "\U000e0041\U000e007f",
    "variants": "x\ufe00\U000e0100",
    "fillers": "\u3164\u115f\u1160\uffa0",
    "line ends": "a\u2028b\u2029c\x85d",
}  # fmt: skip

_OURS = re.compile(
    r"\x1b\[(?:0|1|2|3|4|9|22|23|24|29|3[0-79]|9[0-7]|1;3[0-7])?(?:;[0-9]{1,3}){0,4}m"
    r"|\x1b\[\?(?:2026|2004|25|7)[hl]|\x1b\[J|\x1b\[[0-9]{1,3}A"
)
"""Paint, a frame, pastes, the cursor, wrapping, erasing and rising: the view's own."""
_CONTROL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0e\ufeff\uffa0\U000e0000-\U000e0fff]"
)


def marked(number: int, sequence: str) -> str:
    """A sequence between two marks: the view never writes one of its own between them."""
    return f"<{number}{sequence}{number}>"


def everything() -> str:
    return " ".join(marked(number, one) for number, one in enumerate(SEQUENCES.values()))


def driven(output: bytes) -> list[str]:
    """The sequences that reached the terminal, by name, and whatever else it may have obeyed."""
    text = output.decode("utf-8", "replace")
    found = [
        name for number, (name, one) in enumerate(SEQUENCES.items()) if marked(number, one) in text
    ]
    rest = _OURS.sub("", text).replace("\r\n", "\n").replace("\n\r", "\n")
    return found + [f"{match[0]!r} in {rest[max(0, match.start() - 30) : match.end() + 30]!r}"
                    for match in _CONTROL.finditer(rest)]  # fmt: skip
