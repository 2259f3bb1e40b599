"""Rules of the user's configuration: `Tool`, `Tool(pattern)`, one text each.

Parses and matches; which of several rules wins is `decide`'s business.

    Read(docs/**)               ReadFile, ReadFolder, Glob, Grep beneath docs/
    Write(src/**/*.py)          WriteFile, Edit, ApplyPatch (all its paths)
    Shell(npm test *)           the words `npm test`, and whatever follows
    Git(push *)                 git's arguments
    WebFetch(*.example.org)     pages of hosts beneath example.org
    MyTool                      a tool by its name
"""

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import lru_cache

import msgspec

from executor.errors import UsageError
from executor.network.hosts import BadHost, host_pattern, pattern_covers
from executor.workspace.left_out import path_expression

GROUPS = {
    "Read": frozenset({"ReadFile", "ReadFolder", "Glob", "Grep"}),
    "Write": frozenset({"WriteFile", "Edit", "ApplyPatch"}),
}
PATH_TOOLS = GROUPS["Read"] | GROUPS["Write"]
COMMAND_TOOLS = frozenset({"Shell", "Git"})
HOST_TOOLS = frozenset({"WebFetch"})

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
        return self.pattern is None or _path_pattern(self.pattern).fullmatch(path) is not None

    def matches_host(self, host: str) -> bool:
        """`host` is normal, as `hosts.host_of` gives it."""
        return self.pattern is None or pattern_covers(host_pattern(self.pattern), host)

    def matches_words(self, words: Sequence[str], globs: frozenset[int] = frozenset()) -> bool:
        """`words` of one simple command. A last `*` stands for any words, also none.

        What the shell will expand (`globs`) is only covered by that last `*`.
        """
        if self.pattern is None:
            return True
        wanted = self.pattern.split()
        if wanted and wanted[-1] == "*":
            head = wanted[:-1]
            return (
                len(words) >= len(head)
                and all(index >= len(head) for index in globs)
                and _alike(words[: len(head)], head)
            )
        return not globs and len(words) == len(wanted) and _alike(words, wanted)

    @property
    def literals(self) -> tuple[str, ...]:
        """What of its pattern must stand in any command that it holds for."""
        return _literals(self.pattern or "")


def _alike(words: Sequence[str], wanted: Sequence[str]) -> bool:
    return all(fnmatchcase(word, one) for word, one in zip(words, wanted, strict=True))


@lru_cache(maxsize=512)
def _literals(pattern: str) -> tuple[str, ...]:
    pieces = re.split(r"[\s*?]|\[.*", pattern)
    return tuple(piece for piece in pieces if piece)


def parse_rule(text: str) -> Rule:
    """The rule that `text` spells; raises UsageError, which quotes it."""
    match = _RULE.fullmatch(text.strip())
    if match is None or (match["pattern"] is not None and not match["pattern"].strip()):
        raise UsageError(
            f"policy rule {text!r} is not of the form Tool or Tool(pattern), "
            "for example Shell(npm test *) or Write(src/**)"
        )
    tool, pattern = match["tool"], match["pattern"]
    tools = GROUPS.get(tool, frozenset({tool}))
    if pattern is not None and tools <= HOST_TOOLS:
        try:
            host_pattern(pattern)
        except BadHost as error:
            raise UsageError(f"policy rule {text!r}: {error}") from error
    elif pattern is not None and not tools <= PATH_TOOLS | COMMAND_TOOLS:
        known = ", ".join(sorted((*GROUPS, *COMMAND_TOOLS, *HOST_TOOLS)))
        raise UsageError(f"policy rule {text!r}: {tool} takes no pattern; {known} do")
    return Rule(text.strip(), tools, pattern)


@lru_cache(maxsize=512)
def _path_pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(path_expression(pattern), re.DOTALL)
