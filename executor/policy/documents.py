"""Here-documents of a line: texts that a program reads, and that no shell runs.

Reads roughly; where a text may be run all the same it stays in the line.
"""

import re

from executor.policy.wrappers import RUNNERS

_DOCUMENT = re.compile(r"(?<!<)<<(?!<)-?[ \t]*(?P<quote>['\"\\]?)(?P<end>\w+)")
_WORD = re.compile(r"[\w./!{-]+")


def without_documents(line: str) -> str:
    """The line without the texts that a program only reads, and no shell ever runs."""
    kept: list[str] = []
    rest = line.split("\n")
    while rest:
        kept.append(rest.pop(0))
        for found in _DOCUMENT.finditer(kept[-1]):
            rest = rest[_length(kept[-1], found, rest) :]
    return "\n".join(kept)


def _length(line: str, found: re.Match[str], rest: list[str]) -> int:
    """How many lines of `rest` are the text that begins there; 0 where they may be run."""
    end = next((at for at, text in enumerate(rest) if text.strip() == found["end"]), 0)
    expands = not found["quote"] and any("$(" in text or "`" in text for text in rest[:end])
    runs = {word.rpartition("/")[2] for word in _WORD.findall(line)} & RUNNERS
    return 0 if expands or runs else end
