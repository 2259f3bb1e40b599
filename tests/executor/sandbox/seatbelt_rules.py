"""Read a profile of Seatbelt as its language is documented, and say what it lets through.

The part of the language that ours uses, and no more: anything else is an error.
"""

import re
from fnmatch import fnmatchcase
from typing import cast

Node = str | list["Node"]
_TOKENS = re.compile(
    r'\s+|(?P<regex>#"[^"]*")|(?P<text>"(?:[^"\\]|\\.)*")|(?P<word>[()]|[^\s()"]+)'
)


class Rules:
    def __init__(self, text: str) -> None:
        self._rules = [cast("list[Node]", node) for node in _parsed(text)]
        assert self._rules[0] == ["version", "1"]
        assert self._rules[1] == ["deny", "default"]

    def allow(self, operation: str, path: str = "") -> bool:
        """The last rule that fits decides."""
        allowed = False
        for verb, *rest in self._rules[2:]:
            operations = [word for word in rest if isinstance(word, str)]
            filters = [node for node in rest if isinstance(node, list)]
            if any(fnmatchcase(operation, pattern) for pattern in operations) and (
                not filters or any(_fits(node, path) for node in filters)
            ):
                allowed = {"allow": True, "deny": False}[cast("str", verb)]
        return allowed

    def writable(self, path: str) -> bool:
        return self.allow("file-write-create", path) or self.allow("file-write-data", path)

    def readable(self, path: str) -> bool:
        return self.allow("file-read-data", path)


def _fits(node: list[Node], path: str) -> bool:
    kind, *values = [part for part in node if isinstance(part, str)]
    match kind:
        case "literal":
            return path == values[0]
        case "subpath":
            whole = values[0].rstrip("/")
            return path == whole or path.startswith(f"{whole}/")
        case "regex":
            return re.search(values[0], path) is not None
        case "remote" | "local" | "global-name" | "target":
            return not path
        case _:
            raise AssertionError(node)


def _parsed(text: str) -> list[Node]:
    stack: list[list[Node]] = [[]]
    at = 0
    while at < len(text):
        found = _TOKENS.match(text, at)
        assert found is not None, text[at : at + 40]
        at = found.end()
        if found["regex"]:
            stack[-1].append(found["regex"][2:-1])
        elif found["text"]:
            stack[-1].append(re.sub(r"\\(.)", r"\1", found["text"][1:-1]))
        elif found["word"] == "(":
            stack.append([])
        elif found["word"] == ")":
            done = stack.pop()
            stack[-1].append(done)
        elif found["word"]:
            stack[-1].append(found["word"])
    assert len(stack) == 1
    return stack[0]
