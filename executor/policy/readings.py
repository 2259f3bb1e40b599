"""The ways to read commands, for rules that only tighten: `sudo /usr/bin/git -C x push`.

Finds what a rule may have meant; proves nothing, so no allow rule is held against these.
"""

import itertools
import re
from collections.abc import Iterable, Iterator

from executor.policy.rules import COMMAND_TOOLS, Rule
from executor.policy.wrappers import RUNNERS

MAX_STARTS = 128
MAX_ROUGH = 64 * 1024
"""Characters of a line that is taken apart roughly: some milliseconds."""
MAX_PARTS = 300
"""Commands of one rough line that are held against one rule."""

_GIT_VALUED = frozenset({
    "-C", "-c", "--git-dir", "--work-tree", "--namespace", "--exec-path", "--config-env",
})  # fmt: skip
_ADDING = frozenset({"xargs", "parallel"})
"""Programs that add words to the command that they run."""
_BETWEEN = re.compile(r"[;&|\n(){}`]+|[<>$]\(")
_BACKTICKS = re.compile(r"`([^`]*)`")
_REDIRECTION = re.compile(r"[<>]+&?[ \t]*[^\s;|&()<>`]*")
_BLANK_VARIABLE = re.compile(r"\$\{?IFS\b\}?|\\\n")
UNQUOTED = str.maketrans("", "", "'\"\\")

Words = tuple[str, ...]
Reading = tuple[str, Words]
"""A tool and the words that its rules are matched against."""


def tightening(
    rules: Iterable[Rule], tool: str, commands: Iterable[Words], rough: str
) -> Rule | None:
    """The first rule about commands that holds for one of them, or for a part of the line `rough`.

    `rough` is a line that could not be taken apart with certainty, or empty. Where it holds a
    rule's words more often than can be looked at, the rule holds.
    """
    about_commands = [rule for rule in rules if rule.tools <= COMMAND_TOOLS]
    if not about_commands:
        return None
    exact = [reading for words in commands for reading in readings(tool, words)]
    text = _bare(rough)
    for rule in about_commands:
        if any(_holds(rule, reading) for reading in exact) or (text and _roughly(rule, text)):
            return rule
    return None


def _bare(line: str) -> str:
    """Without quotes, redirections, and what stands for a blank."""
    if "$" in line or "\\\n" in line:
        line = _BLANK_VARIABLE.sub(" ", line)
    if "<" in line or ">" in line:
        line = _REDIRECTION.sub(" ", line)
    for mark in "'\"\\":
        line = line.replace(mark, "")
    return line


def _holds(rule: Rule, reading: Reading) -> bool:
    tool, words = reading
    return rule.names(tool) and (rule.matches_words(words) if rule.pattern else tool == "Git")


def _roughly(rule: Rule, text: str) -> bool:
    """Whether a part of `text` may be what the rule means."""
    needles = rule.literals if rule.names("Shell") else ("git", *rule.literals)
    if not all(needle in text for needle in needles):
        return False
    if len(text) > MAX_ROUGH:
        return True
    parts = [
        part
        for part in dict.fromkeys(_BETWEEN.split(text))
        if all(needle in part for needle in needles)
    ]
    return len(parts) > MAX_PARTS or any(_part_holds(rule, part) for part in parts)


def _part_holds(rule: Rule, part: str) -> bool:
    words = tuple(part.split(None, MAX_STARTS))
    if len(words) > MAX_STARTS:
        return True
    first = words[0].removeprefix("$")
    return any(_holds(rule, reading) for reading in readings("Shell", (first, *words[1:])))


def readings(tool: str, words: Words) -> Iterator[Reading]:
    """As it stands; with the program's bare name; behind what runs programs; as the other tool."""
    if tool == "Git":
        yield "Git", words
        yield "Shell", ("git", *words)
        return
    words = _spelt_out(words)
    for start in _starts(words):
        rest = words[start:]
        program = _program(rest[0])
        yield "Shell", rest
        if program != rest[0]:
            yield "Shell", (program, *rest[1:])
        if program == "git":
            command = _behind_options(rest[1:])
            yield "Git", command
            yield "Shell", ("git", *command)


def _spelt_out(words: Words) -> Words:
    """Of what runs programs, the words of each line that it may be given as one."""
    if _program(words[0]) not in RUNNERS:
        return words
    return tuple(piece for word in words for piece in word.translate(UNQUOTED).split())


def behind_git(words: Words) -> Iterator[Words]:
    """What stands behind `git` wherever that may be run, git's own options first."""
    words = _spelt_out(words)
    more = ("$",) if _program(words[0]) in _ADDING else ()
    for start in _starts(words):
        if _program(words[start]) == "git":
            yield (*words[start + 1 :], *more)


def rough_commands(line: str) -> Iterator[Words]:
    """What may be the commands of a line that can't be taken apart: MAX_PARTS that git is in, or
    `cd`, of its first MAX_ROUGH characters. A `$` stays where the shell puts something in."""
    line = _BACKTICKS.sub(r"$\n\1\n", line[:MAX_ROUGH]).replace("$(", "$\n")
    text = _bare(line)
    parts = (part for part in _BETWEEN.split(text) if "git" in part or "cd" in part)
    for part in itertools.islice(parts, MAX_PARTS):
        first, *rest = part.split(None, MAX_STARTS)
        yield (first.removeprefix("$") or "$", *rest)


def _program(word: str) -> str:
    return word.rpartition("/")[2]


def _starts(words: Words) -> range:
    runs_another = _program(words[0]) in RUNNERS or "=" in words[0]
    return range(min(len(words), MAX_STARTS) if runs_another else 1)


def _behind_options(words: Words) -> Words:
    start = 0
    while start < len(words) and words[start].startswith("-"):
        start += 2 if words[start] in _GIT_VALUED else 1
    return words[start:]
