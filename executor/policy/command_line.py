"""Take a shell command apart into simple commands, or say that it can't be proven plain.

Plain words joined by `&&`, `||`, `;` and `|`, with redirections to /dev/null, are read here;
whatever else there is goes to the grammar, which is loaded when a line first needs it.
"""

import importlib
import re
from collections.abc import Callable, Iterator
from typing import cast

import msgspec

MAX_COMMANDS = 50
MAX_LENGTH = 16 * 1024
MAX_WORDS = 128

PLAIN = re.compile(r"[A-Za-z0-9_\-./:,+@%^=]+")
"""Characters that mean themselves to every shell, wherever in a word they stand."""
_HARMLESS_REDIRECTIONS = ("2>/dev/null", "2>&1", ">/dev/null", "1>/dev/null", "&>/dev/null")
_OPERATORS = ("&&", "||", ";", "|")
_GRAMMAR = "executor.policy.grammar"


class Simple(msgspec.Struct, frozen=True):
    """One simple command, quotes removed."""

    words: tuple[str, ...]
    globs: frozenset[int] = frozenset()
    """Which of the words the shell expands to names of files."""
    repeated: bool = False
    """It stands in a loop."""


class PlainCommands(msgspec.Struct, frozen=True):
    commands: tuple[Simple, ...]
    """In order, whether or not each of them is reached; never empty."""


class NotPlain(msgspec.Struct, frozen=True):
    why: str


def take_apart(line: str) -> PlainCommands | NotPlain:
    """The simple commands of `line`: no more than MAX_COMMANDS, no more than MAX_WORDS in all."""
    if len(line) > MAX_LENGTH:
        return NotPlain("the command is very long")
    try:
        plain = _plainly(line)
    except _SpecialError:
        plain = None
    if isinstance(plain, PlainCommands):
        return plain
    parse = cast(
        "Callable[[str], PlainCommands | NotPlain]", importlib.import_module(_GRAMMAR).parse
    )
    return parse(line)


def too_many(commands: int, words: int) -> NotPlain | None:
    """Why a line of that size is not looked at any further."""
    if commands > MAX_COMMANDS:
        return NotPlain(f"the line holds more than {MAX_COMMANDS} commands")
    if words > MAX_WORDS:
        return NotPlain(f"the line holds more than {MAX_WORDS} words")
    return None


def _plainly(line: str) -> PlainCommands | NotPlain:
    """What needs no grammar."""
    commands: list[Simple] = []
    words: list[str] = []
    count = 0
    operator_pending = False
    for token in _tokens(line):
        match token:
            case str() as word:
                words.append(word)
                count += 1
                operator_pending = False
            case _Operator() if not words:
                return NotPlain("an operator stands where a command was expected")
            case operator:
                commands.append(Simple(tuple(words)))
                words = []
                operator_pending = operator.text != ";"
        excess = too_many(len(commands), count)
        if excess is not None:
            return excess
    if words:
        commands.append(Simple(tuple(words)))
    if operator_pending or not commands:
        return NotPlain("the command is not complete")
    if any(is_assignment(one.words[0]) or one.words[0] in RESERVED for one in commands):
        return NotPlain("it begins with more than a program's name")
    return PlainCommands(tuple(commands))


RESERVED = frozenset({
    "!", "case", "coproc", "do", "done", "elif", "else", "esac", "fi", "for", "function", "if",
    "in", "select", "then", "until", "while", "{", "}", "[[", "]]",
})  # fmt: skip
"""What is no program where a command begins. `time` is one to some shells, and means the same."""


def is_assignment(word: str) -> bool:
    return "=" in word


class _Operator(msgspec.Struct, frozen=True):
    text: str


class _SpecialError(ValueError):
    """It holds what the shell gives a meaning to."""


def _tokens(line: str) -> Iterator[str | _Operator]:
    """Words and operators; raises _SpecialError."""
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
        text, position = _word(line, position)
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


def _word(line: str, start: int) -> tuple[str, int]:
    pieces: list[str] = []
    position = start
    while position < len(line) and line[position] not in " \t;|&":
        char = line[position]
        if char in "'\"":
            end = line.find(char, position + 1)
            quoted = line[position + 1 : end]
            if end < 0 or (char == '"' and any(special in quoted for special in "$`\\!")):
                raise _SpecialError
            if any(ord(inner) < 32 for inner in quoted):
                raise _SpecialError
            pieces.append(quoted)
            position = end + 1
        elif plain := PLAIN.match(line, position):
            pieces.append(plain.group())
            position = plain.end()
        elif (char == "~" and not may_be_home(pieces)) or is_letter(char):
            pieces.append(char)
            position += 1
        else:
            raise _SpecialError
    if position < len(line) and line[position] == "&" and not line.startswith("&&", position):
        raise _SpecialError
    return "".join(pieces), position


def may_be_home(before: list[str]) -> bool:
    """Whether a `~` behind these pieces of its word begins a path."""
    return not before or before[-1][-1:] in ("", "=", ":")


def is_letter(char: str) -> bool:
    """Of a script that no shell gives a meaning to."""
    return ord(char) > 0xA0 and char.isalnum()
