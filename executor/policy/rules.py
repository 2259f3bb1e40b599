"""Rules of the user's configuration: `Tool`, `Tool(pattern)`, one text each.

Parses and matches; which of several rules wins is `decide`'s business.

    Read(docs/**)          ReadFile, ReadFolder, Glob, Grep beneath docs/
    Write(src/**/*.py)     WriteFile, Edit
    Shell(npm test *)      the words `npm test`, and whatever follows
    Git(push *)            git's arguments
    MyTool                 a tool by its name
"""

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import lru_cache

import msgspec

from executor.errors import UsageError

GROUPS = {
    "Read": frozenset({"ReadFile", "ReadFolder", "Glob", "Grep"}),
    "Write": frozenset({"WriteFile", "Edit", "ApplyPatch"}),
}
PATH_TOOLS = GROUPS["Read"] | GROUPS["Write"]
COMMAND_TOOLS = frozenset({"Shell", "Git"})

_RULE = re.compile(r"(?P<tool>[A-Za-z][A-Za-z0-9_-]{0,63})(?:\((?P<pattern>.*)\))?", re.DOTALL)


class Rule(msgspec.Struct, frozen=True):
    text: str
    """As the user wrote it: shown wherever the rule decides."""
    tools: frozenset[str]
    pattern: str | None

    def names(self, tool_name: str) -> bool:
        return tool_name in self.tools

    def matches_path(self, path: str) -> bool:
        """`path` is relative to the root, with '/'; a pattern without '/' matches any name."""
        if self.pattern is None:
            return True
        pattern = self.pattern if "/" in self.pattern else f"**/{self.pattern}"
        return _path_pattern(pattern).fullmatch(path) is not None

    def matches_words(self, words: Sequence[str]) -> bool:
        """`words` of one simple command. A last `*` stands for any words, also none."""
        if self.pattern is None:
            return True
        wanted = self.pattern.split()
        if wanted and wanted[-1] == "*":
            head = wanted[:-1]
            return len(words) >= len(head) and _alike(words[: len(head)], head)
        return len(words) == len(wanted) and _alike(words, wanted)


def _alike(words: Sequence[str], wanted: Sequence[str]) -> bool:
    return all(fnmatchcase(word, one) for word, one in zip(words, wanted, strict=True))


def parse_rule(text: str) -> Rule:
    """The rule that `text` spells; raises UsageError, which quotes it."""
    match = _RULE.fullmatch(text.strip())
    if match is None or match["pattern"] == "":
        raise UsageError(
            f"policy rule {text!r} is not of the form Tool or Tool(pattern), "
            "for example Shell(npm test *) or Write(src/**)"
        )
    tool = match["tool"]
    tools = GROUPS.get(tool, frozenset({tool}))
    if match["pattern"] is not None and not tools <= PATH_TOOLS | COMMAND_TOOLS:
        raise UsageError(f"policy rule {text!r}: {tool} takes no pattern")
    return Rule(text.strip(), tools, match["pattern"])


@lru_cache(maxsize=512)
def _path_pattern(pattern: str) -> re.Pattern[str]:
    """A glob over whole paths: `*` and `?` within a name, `**` across folders."""
    pieces: list[str] = []
    rest = pattern.removeprefix("./")
    while rest:
        if rest.startswith("**/"):
            pieces.append("(?:[^/]+/)*")
            rest = rest[3:]
        elif rest.startswith("**"):
            pieces.append(".*")
            rest = rest[2:]
        else:
            pieces.append({"*": "[^/]*", "?": "[^/]"}.get(rest[0], re.escape(rest[0])))
            rest = rest[1:]
    return re.compile("".join(pieces), re.DOTALL)
