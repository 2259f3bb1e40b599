"""Take a shell command apart into simple commands, or say that it can't be proven plain.

Accepts plain words joined by `&&`, `||`, `;` and `|`, and redirections to /dev/null; everything
else that a shell gives a meaning to is refused, so what is accepted means what it seems to.
"""

import re
from collections.abc import Iterator

import msgspec

MAX_COMMANDS = 50
MAX_LENGTH = 16 * 1024

_PLAIN = re.compile(r"[A-Za-z0-9_\-./:,+@%^=]+")
_BETWEEN = re.compile(r"[;&|\n(){}`]+|[<>$]\(")
_HARMLESS_REDIRECTIONS = ("2>/dev/null", "2>&1", ">/dev/null", "1>/dev/null", "&>/dev/null")
_OPERATORS = ("&&", "||", ";", "|")


class PlainCommands(msgspec.Struct, frozen=True):
    commands: tuple[tuple[str, ...], ...]
    """The words of each simple command, quotes removed; never empty."""


class NotPlain(msgspec.Struct, frozen=True):
    why: str


def take_apart(line: str) -> PlainCommands | NotPlain:
    """The simple commands of `line`; linear in its length, and no more than MAX_COMMANDS long."""
    if len(line) > MAX_LENGTH:
        return NotPlain("the command is very long")
    commands: list[tuple[str, ...]] = []
    words: list[str] = []
    operator_pending = False
    for token in _tokens(line):
        match token:
            case NotPlain():
                return token
            case str() as word:
                words.append(word)
                operator_pending = False
            case _Operator(text=text) if not words:
                return NotPlain(f"{text!r} stands where a command was expected")
            case _Operator(text=text):
                commands.append(tuple(words))
                words = []
                operator_pending = text != ";"
                if len(commands) > MAX_COMMANDS:
                    return NotPlain(f"the line holds more than {MAX_COMMANDS} commands")
    if words:
        commands.append(tuple(words))
    if operator_pending or not commands:
        return NotPlain("the command is not complete")
    if any("=" in words[0] for words in commands):
        return NotPlain("it sets a variable")
    return PlainCommands(tuple(commands))


def roughly(line: str) -> tuple[tuple[str, ...], ...]:
    """What may be the commands of a line that can't be taken apart: for rules that only tighten."""
    parts = (part.split() for part in _BETWEEN.split(line))
    return tuple(tuple(word.strip("'\"\\") for word in words) for words in parts if words)


class _Operator(msgspec.Struct, frozen=True):
    text: str


def _tokens(line: str) -> Iterator[str | _Operator | NotPlain]:
    """Words and operators; after a NotPlain nothing more."""
    position = 0
    while position < len(line):
        if line[position] in " \t":
            position += 1
            continue
        redirection = _redirection(line, position)
        if redirection:
            position += len(redirection)
            continue
        operator = next((one for one in _OPERATORS if line.startswith(one, position)), None)
        if operator:
            yield _Operator(operator)
            position += len(operator)
            continue
        word = _word(line, position)
        if isinstance(word, NotPlain):
            yield word
            return
        text, position = word
        yield text


def _redirection(line: str, position: int) -> str | None:
    """A harmless redirection that stands alone between blanks, operators or the ends."""
    if position and line[position - 1] not in " \t":
        return None
    for text in _HARMLESS_REDIRECTIONS:
        after = position + len(text)
        if line.startswith(text, position) and (after == len(line) or line[after] in " \t;|"):
            return text
    return None


def _word(line: str, start: int) -> tuple[str, int] | NotPlain:
    pieces: list[str] = []
    position = start
    while position < len(line) and line[position] not in " \t;|&":
        char = line[position]
        if char in "'\"":
            end = line.find(char, position + 1)
            if end < 0:
                return NotPlain("a quote is not closed")
            quoted = line[position + 1 : end]
            if char == '"' and any(special in quoted for special in "$`\\!"):
                return NotPlain("it expands something within quotes")
            if any(ord(inner) < 32 for inner in quoted):
                return NotPlain("it holds control characters")
            pieces.append(quoted)
            position = end + 1
        elif plain := _PLAIN.match(line, position):
            pieces.append(plain.group())
            position = plain.end()
        elif char == "~" and pieces and pieces[-1][-1:] not in ("", "=", ":"):
            pieces.append(char)  # expanded only where a path may begin
            position += 1
        elif ord(char) > 0xA0 and char.isalnum():
            pieces.append(char)
            position += 1
        else:
            return NotPlain(_meaning(char))
    if position < len(line) and line[position] == "&" and not line.startswith("&&", position):
        return NotPlain("it starts something in the background")
    return "".join(pieces), position


def _meaning(char: str) -> str:
    meanings = {
        "$": "it expands a variable or runs a command within ($)",
        "`": "it runs a command within (`)",
        ">": "it writes to a file (>)",
        "<": "it reads from somewhere else (<)",
        "\n": "it has more than one line",
        "*": "the shell expands file names (*)",
        "?": "the shell expands file names (?)",
        "[": "the shell expands file names ([)",
        "~": "it leads to a home folder (~)",
        "&": "it starts something in the background (&)",
        "\\": "it escapes characters (\\)",
    }
    return meanings.get(char, f"{char!r} has a meaning of its own to the shell")
