"""Carry the indentation of a patch over to that of the file, where one surely follows.

Knows leading white space only.
"""

from collections.abc import Sequence

from executor.patch.sections import Hunk

Indents = dict[str, str]
"""From the patch's leading white space to the file's."""


def indents_of(hunk: Hunk, there: Sequence[str]) -> Indents | None:
    """How the file indents what `hunk` does; None where that does not follow for every line."""
    indents: Indents = {}
    for given, line in zip(hunk.old, there, strict=True):
        if given.strip() and indents.setdefault(_indent(given), _indent(line)) != _indent(line):
            return None
    added = [line.text for line in hunk.lines if line.mark == "+"]
    return indents if all(reindented(text, indents) is not None for text in added) else None


def reindented(text: str, indents: Indents) -> str | None:
    """An added line as the file would indent it; None where that can't be told."""
    if not text.strip():
        return text
    indent = _indent(text)
    known = max((one for one in indents if indent.startswith(one)), key=len, default=None)
    if known is None:
        return None
    deeper = indent[len(known) :]
    mapped = indents[known]
    if deeper and indents[known] != known and set(deeper) - set(mapped or deeper):
        return None  # tabs below spaces, or spaces below tabs
    return f"{mapped}{deeper}{text[len(indent) :]}"


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]
