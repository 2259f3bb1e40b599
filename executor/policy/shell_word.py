"""Read one word of a shell: what a program is given, quotes and escapes removed.

Strict where shells differ: what is not certain is Unreadable. Knows no command and no file.
"""

import re
from collections.abc import Mapping

import msgspec

from executor.policy.command_line import PLAIN, is_letter, may_be_home


class Unreadable(ValueError):
    """The line can't be read with certainty; the message says why."""


class Value(msgspec.Struct, frozen=True):
    text: str
    is_glob: bool = False
    """The shell puts the names that `text` matches in its place."""


_VARIABLE = re.compile(r"\$(?:\{([a-z][a-z0-9_]*)\}|([a-z][a-z0-9_]*))")
_WHOLE_VARIABLE = re.compile(r'"?\$(?:\{([a-z][a-z0-9_]*)\}|([a-z][a-z0-9_]*))"?')
_LITERAL = frozenset({"{}", "!"})
"""Words that mean themselves as a whole, to `find`."""
_MEANINGS = {
    "$": "it expands a variable or runs a command within ($)",
    "`": "it runs a command within (`)",
    "[": "the shell expands file names ([)",
    "~": "it leads to a home folder (~)",
    "{": "the shell expands braces ({)",
    "}": "the shell expands braces (})",
}


def read_word(text: str, variables: Mapping[str, Value]) -> Value:
    """The value of the word that is spelt `text`; raises Unreadable."""
    if text in _LITERAL:
        return Value(text)
    whole = _WHOLE_VARIABLE.fullmatch(text)
    if whole is not None and (whole[1] or whole[2]) in variables:
        value = variables[whole[1] or whole[2]]
        if not value.is_glob and not text.startswith('"'):
            _check_unquoted(value.text)
        return value
    return _Pieces(text, variables).value()


def _check_unquoted(value: str) -> None:
    if not PLAIN.fullmatch(value):
        raise Unreadable("it expands a variable without quotes ($)")


class _Pieces:
    """One word from its first character to its last."""

    def __init__(self, text: str, variables: Mapping[str, Value]) -> None:
        self._text = text
        self._variables = variables
        self._pieces: list[str] = []
        self._wild = False
        self._quoted_wild = False

    def value(self) -> Value:
        position = 0
        while position < len(self._text):
            position = self._next(position)
        if self._wild and self._quoted_wild:
            raise Unreadable("it mixes wildcards with quoted ones (*)")
        return Value("".join(self._pieces), self._wild)

    def _next(self, at: int) -> int:
        """Take the piece that begins there; where the next one begins."""
        char = self._text[at]
        plain = PLAIN.match(self._text, at)
        if plain is not None:
            self._pieces.append(plain.group())
            return plain.end()
        match char:
            case "'":
                end = self._text.find("'", at + 1)
                self._quoted(self._text[at + 1 : end] if end >= 0 else "\0")
                return end + 1
            case '"':
                return self._double(at + 1)
            case "\\":
                self._quoted(self._text[at + 1 : at + 2] or "\0")
                return at + 2
            case "$":
                value, end = self._variable(at)
                _check_unquoted(value)
                self._pieces.append(value)
                return end
            case "*" | "?":
                self._wild = True
                self._pieces.append(char)
                return at + 1
            case _ if (char == "~" and not may_be_home(self._pieces)) or is_letter(char):
                self._pieces.append(char)
                return at + 1
            case _:
                meaning = _MEANINGS.get(char, f"{char!r} has a meaning of its own to the shell")
                raise Unreadable(meaning)

    def _quoted(self, text: str) -> None:
        if any(ord(char) < 32 or char == "\x7f" for char in text):
            raise Unreadable("it holds control characters")
        self._quoted_wild = self._quoted_wild or any(char in text for char in "*?[\\")
        self._pieces.append(text)

    def _double(self, at: int) -> int:
        """What stands in double quotes; variables and some escapes are live there."""
        while at < len(self._text):
            char = self._text[at]
            following = self._text[at + 1 : at + 2]
            match char:
                case '"':
                    self._pieces.append("")  # a `~` behind it is none of a home folder
                    return at + 1
                case "\\" if following in ('"', "\\", "$", "`"):
                    self._quoted(following)
                    at += 2
                case "$" if following not in ("", " ", "|", ")", '"'):
                    value, at = self._variable(at)
                    self._quoted(value)
                case "`":
                    raise Unreadable(_MEANINGS["`"])
                case _:
                    self._quoted(char)
                    at += 1
        raise Unreadable("a quote is not closed")

    def _variable(self, at: int) -> tuple[str, int]:
        found = _VARIABLE.match(self._text, at)
        value = self._variables.get(found[1] or found[2]) if found is not None else None
        if found is None or value is None or value.is_glob:
            raise Unreadable(_MEANINGS["$"])
        return value.text, found.end()
