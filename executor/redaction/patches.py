"""The lines of secret files in patches: what `git log -p` shows of an `.env` that once was tracked.

Goes by the head that names the file, and by the counts of each hunk; what a part of a patch without
its head holds is not known.
"""

import re
from collections.abc import Iterator

from executor.redaction.likeness import looks_secret
from executor.redaction.span import Span
from executor.workspace.secret_names import is_secret

MARK = "diff --"
_COLOUR = r"(?:\x1b\[[0-9;]*+m)*+"
_BEFORE = rf"(?:[ \t]{{0,8}}\d{{1,8}}\t)?+{_COLOUR}(?:[ |*\\/_]{{1,40}}+{_COLOUR}){{0,8}}+"
"""A line's number, and the lines of a graph. Never tried in two ways: that would take for ever."""
_HEAD = re.compile(rf"^{_BEFORE}diff --(?:git|cc|combined) (?P<names>.*)$", re.MULTILINE)
_HUNK = re.compile(
    rf"^{_BEFORE}(?:@@++(?P<ranges>[-+0-9, ]{{0,200}}+)|GIT binary patch$)", re.MULTILINE
)
_RANGE = re.compile(r"[-+]\d{1,9}(?:,(\d{1,9}))?")
_CLOSED = re.compile(rf"@@++{_COLOUR}[ ]?{_COLOUR}")
_END = re.compile(rf"^{_BEFORE}(?:commit [0-9a-f]{{7,64}}\b|diff --)", re.MULTILINE)
_LINE = re.compile(
    rf"^{_BEFORE}(?:(?P<sign>[-+]{{1,3}}|\[-|\{{\+){_COLOUR})?"
    r"(?:[ \t]{0,8}(?:export[ \t]+)?(?P<name>[A-Za-z_][\w.-]{0,127})[ \t]{0,8}=)?(?P<value>.*)$",
    re.MULTILINE,
)
_COMMENT = "#"
_WORDS = ("[-", "{+")
"""How `--word-diff` marks what has changed in a line."""
_NO_LINE = "No newline at end of file"
_ENDLESS = "+0,999999999"
_ENDS = {"[-": "-]", "{+": "+}"}


def in_patches(text: str) -> Iterator[Span]:
    """What stands in lines of secret files, in order: behind the `=`, else the whole line."""
    for head in _secret_heads(text):
        yield from _lines(text, head.end(), _Left())


def open_patch(text: str) -> str:
    """The beginning of a patch of a secret file that goes on at the end of `text`; maybe empty."""
    for head in reversed(list(_secret_heads(text))):
        if _END.search(text, head.end()) is not None:
            break
        left = _Left()
        for _ in _lines(text, head.end(), left):
            pass
        return f"{head[0]}\n{left.told()}"
    return ""


class _Left:
    """How many lines of the hunk are still to come: of the file before, and after."""

    def __init__(self) -> None:
        self.begun = False
        self._before = self._after = 0

    def begin(self, ranges: str | None) -> None:
        """By the counts of its head. Of a merge, which has more than two, the most there can be;
        None, of bytes, which have no counts: all there is."""
        counts = [int(found[1] or 1) for found in _RANGE.finditer(ranges or _ENDLESS)]
        self.begun = True
        self._before = counts[0] if len(counts) == 2 else 0
        self._after = counts[1] if len(counts) == 2 else sum(counts)

    def takes(self, sign: str, value: str) -> bool:
        """Whether a line is one of the hunk; it is then counted."""
        if self._before <= 0 and self._after <= 0:
            return False
        whole = sign not in _ENDS or value.rstrip().endswith(_ENDS[sign])
        if not (sign[:1] in ("-", "[") and whole):
            self._after -= 1
        if not (sign[:1] in ("+", "{") and whole):
            self._before -= 1
        return True

    def told(self) -> str:
        """A head of the hunk that has just these lines."""
        before, after = max(self._before, 0), max(self._after, 0)
        return f"@@ -0,{before} +0,{after}\n" if self.begun else ""


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


def _lines(text: str, start: int, left: _Left) -> Iterator[Span]:
    found = _END.search(text, start)
    end = len(text) if found is None else found.start()
    hunk = _HUNK.search(text, start, end)
    if hunk is None:
        return
    for line in _LINE.finditer(text, hunk.start(), end):
        if line.start() == end:
            break  # nothing stands behind the last line's end
        head = _HUNK.match(text, line.start(), line.end())
        if head is not None:
            left.begin(head["ranges"])
            yield from _heading(text, head.end(), line.end())
            continue
        value = line["value"].strip()
        if value.startswith(_NO_LINE):
            continue
        inside = left.takes(line["sign"] or "", value)
        if value and (line["name"] is not None or _is_content(line["sign"], value, inside=inside)):
            at = line.start("value") + line["value"].index(value)
            name = line["name"] or "secret_file"
            yield Span(at, at + len(value), name, keep=looks_secret(value))


def _heading(text: str, start: int, end: int) -> Iterator[Span]:
    """The line that git shows behind the counts: one of the file, somewhere above."""
    closed = _CLOSED.match(text, start, end)
    if closed is not None and text[closed.end() : end].strip():
        yield Span(closed.end(), end, "secret_file", keep=False)


def _is_content(sign: str | None, value: str, *, inside: bool) -> bool:
    """Whether a line without a name is one of the file; a comment stays."""
    if sign is None and not inside:
        return any(mark in value for mark in _WORDS)
    return not value.startswith(_COMMENT)
