"""What a terminal's bytes mean: characters, a few keys, pasted text.

Works on bytes as they come, however they are split; reads nothing itself.
"""

import codecs
import re
from dataclasses import dataclass
from typing import Literal

KeyName = Literal["enter", "newline", "backspace", "word-back", "clear", "end", "escape", "other"]

PASTE_MAX = 1_000_000
"""Characters of one paste; the rest is dropped."""
_PASTE_END = "\x1b[201~"
_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|O[A-Za-z]|[^\[O])")
_BEGINNING = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|O)?")
_CONTROLS: dict[str, KeyName] = {
    "\r": "enter",
    "\n": "enter",
    "\x7f": "backspace",
    "\x08": "backspace",
    "\x17": "word-back",
    "\x15": "clear",
    "\x04": "end",
}


@dataclass(frozen=True, slots=True)
class Typed:
    """One printable character."""

    char: str


@dataclass(frozen=True, slots=True)
class Pasted:
    text: str


@dataclass(frozen=True, slots=True)
class Pressed:
    key: KeyName


Key = Typed | Pasted | Pressed


class KeyDecoder:
    """Bytes in, keys out; keeps what may be the beginning of more."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._paste: list[str] | None = None

    def feed(self, data: bytes) -> list[Key]:
        text = self._rest + self._decoder.decode(data)
        self._rest = ""
        keys: list[Key] = []
        while text:
            if self._paste is None:
                text = self._one(text, keys)
            else:
                text = self._pasting(text, self._paste, keys)
        return keys

    @property
    def waits(self) -> bool:
        """A lone Escape has come: it is the key itself when nothing follows."""
        return self._rest == "\x1b" and self._paste is None

    def settle(self) -> list[Key]:
        """Nothing has followed for a while."""
        if not self.waits:
            return []
        self._rest = ""
        return [Pressed("escape")]

    def clear(self) -> None:
        """Forget what has come and was not taken yet."""
        self._rest, self._paste = "", None
        self._decoder.reset()

    def _one(self, text: str, keys: list[Key]) -> str:
        if text[0] != "\x1b":
            control = _CONTROLS.get(text[0])
            if control is not None:
                keys.append(Pressed(control))
            elif text[0].isprintable():
                keys.append(Typed(text[0]))
            return text[1:]
        sequence = _SEQUENCE.match(text)
        if sequence is None:
            if _BEGINNING.fullmatch(text) and len(text) < 64:
                self._rest = text
                return ""
            return text[1:]
        match sequence.group():
            case "\x1b[200~":
                self._paste = []
            case "\x1b\r" | "\x1b\n":
                keys.append(Pressed("newline"))
            case _:
                keys.append(Pressed("other"))
        return text[sequence.end() :]

    def _pasting(self, text: str, paste: list[str], keys: list[Key]) -> str:
        content, end, after = text.partition(_PASTE_END)
        if not end:
            keep = next(n for n in range(5, -1, -1) if content.endswith(_PASTE_END[:n]))
            content, self._rest = content[: len(content) - keep], content[len(content) - keep :]
        if sum(map(len, paste)) < PASTE_MAX:
            paste.append(content)
        if end:
            keys.append(Pasted("".join(paste).replace("\r\n", "\n").replace("\r", "\n")))
            self._paste = None
        return after
