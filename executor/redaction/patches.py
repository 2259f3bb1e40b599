"""The lines of secret files in patches: what `git log -p` shows of an `.env` that once was tracked.

Goes by the head that names the file; what a part of a patch without its head holds is not known.
"""

import re
from collections.abc import Iterator

from executor.redaction.likeness import looks_secret
from executor.redaction.span import Span
from executor.workspace.secret_names import is_secret

MARK = "diff --"
_SECOND = "\n@@\n"
_COLOUR = r"(?:\x1b\[[0-9;]*+m)*+"
_BEFORE = rf"(?:[ \t]{{0,8}}\d{{1,8}}\t)?+{_COLOUR}(?:[ |*\\/_]{{1,40}}+{_COLOUR}){{0,8}}+"
"""A line's number, and the lines of a graph. Never tried in two ways: that would take for ever."""
_HEAD = re.compile(rf"^{_BEFORE}diff --(?:git|cc|combined) (?P<names>.*)$", re.MULTILINE)
_HUNK = re.compile(rf"^{_BEFORE}@@", re.MULTILINE)
_END = re.compile(rf"^{_BEFORE}(?:commit [0-9a-f]{{7,64}}\b|diff --)", re.MULTILINE)
_LINE = re.compile(
    rf"^{_BEFORE}(?:(?P<sign>[-+]{{1,3}}|\[-|\{{\+){_COLOUR})?(?!@@)"
    r"(?:[ \t]{0,8}(?:export[ \t]+)?(?P<name>[A-Za-z_][\w.-]{0,127})[ \t]{0,8}=)?(?P<value>.*)$",
    re.MULTILINE,
)
_COMMENT = "#"
_WORDS = ("[-", "{+")
"""How `--word-diff` marks what has changed in a line."""


def in_patches(text: str) -> Iterator[Span]:
    """What stands in lines of secret files, in order: behind the `=`, else the whole line."""
    for head in _secret_heads(text):
        hunk = _HUNK.search(text, head.end(), _end(text, head.end()))
        if hunk is not None:
            yield from _lines(text, hunk.end(), _end(text, head.end()))


def open_patch(text: str) -> str:
    """The beginning of a patch of a secret file that goes on at the end of `text`; maybe empty."""
    for head in reversed(list(_secret_heads(text))):
        if _END.search(text, head.end()) is not None:
            break
        return f"{head[0]}{_SECOND if _HUNK.search(text, head.end()) else chr(10)}"
    return ""


def _secret_heads(text: str) -> Iterator[re.Match[str]]:
    if MARK not in text:
        return
    judged: dict[str, bool] = {}
    for head in _HEAD.finditer(text):
        names = head["names"]
        if names not in judged:
            plain = re.sub(r"\x1b\[[0-9;]*m|[\"\r]", "", names)
            judged[names] = any(is_secret(name.split("/")) for name in plain.split())
        if judged[names]:
            yield head


def _end(text: str, start: int) -> int:
    found = _END.search(text, start)
    return len(text) if found is None else found.start()


def _lines(text: str, start: int, end: int) -> Iterator[Span]:
    for line in _LINE.finditer(text, start, end):
        value = line["value"].strip()
        if value and (line["name"] is not None or _is_content(line["sign"], value)):
            at = line.start("value") + line["value"].index(value)
            name = line["name"] or "secret_file"
            yield Span(at, at + len(value), name, keep=looks_secret(value))


def _is_content(sign: str | None, value: str) -> bool:
    """Whether a line without a name is one of the file; a comment stays."""
    if sign is None:
        return any(mark in value for mark in _WORDS)
    return not value.startswith(_COMMENT)
