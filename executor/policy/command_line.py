"""Take a shell command apart into simple commands, or say that it can't be proven plain.

Accepts plain words joined by `&&`, `||`, `;` and `|`, and redirections to /dev/null; everything
else that a shell gives a meaning to is refused, so what is accepted means what it seems to.
"""

from dataclasses import dataclass

MAX_COMMANDS = 50
MAX_LENGTH = 64 * 1024

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:,+@%^=")
_HARMLESS_REDIRECTIONS = ("2>/dev/null", "2>&1", ">/dev/null", "1>/dev/null", "&>/dev/null")
_OPERATORS = ("&&", "||", ";", "|")


@dataclass(frozen=True, slots=True)
class PlainCommands:
    commands: tuple[tuple[str, ...], ...]
    """The words of each simple command, quotes removed; never empty."""


@dataclass(frozen=True, slots=True)
class NotPlain:
    why: str


def take_apart(line: str) -> PlainCommands | NotPlain:
    """The simple commands of `line`; linear in its length."""
    if len(line) > MAX_LENGTH:
        return NotPlain("the command is very long")
    tokens = _tokens(line)
    if isinstance(tokens, NotPlain):
        return tokens
    commands: list[tuple[str, ...]] = []
    words: list[str] = []
    operator_pending = False
    for kind, text in tokens:
        if kind == "word":
            words.append(text)
            operator_pending = False
        elif not words:
            return NotPlain(f"{text!r} stands where a command was expected")
        else:
            commands.append(tuple(words))
            words = []
            operator_pending = text != ";"
    if words:
        commands.append(tuple(words))
    if operator_pending or not commands:
        return NotPlain("the command is not complete")
    if len(commands) > MAX_COMMANDS:
        return NotPlain(f"the line holds more than {MAX_COMMANDS} commands")
    if any("=" in words[0] for words in commands):
        return NotPlain("it sets a variable")
    return PlainCommands(tuple(commands))


def _tokens(line: str) -> list[tuple[str, str]] | NotPlain:
    tokens: list[tuple[str, str]] = []
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
            tokens.append(("operator", operator))
            position += len(operator)
            continue
        word = _word(line, position)
        if isinstance(word, NotPlain):
            return word
        text, position = word
        tokens.append(("word", text))
    return tokens


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
        elif char == "~" and pieces and pieces[-1] not in "=:":
            pieces.append(char)  # expanded only where a path may begin
            position += 1
        elif char in _PLAIN or (ord(char) > 0xA0 and char.isalnum()):
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
