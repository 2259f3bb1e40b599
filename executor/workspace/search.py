"""Search a project's files for a regular expression; run as a program, so that it can be killed.

A pattern of Python's `re` may take for ever, and nothing inside the interpreter can stop it. Knows
nothing of results as a model sees them.

The program runs in the project's root. Its one argument is a Request as JSON; it writes Hits as
JSON, one a line, and at last a Summary.
"""

import os
import re
import sys
from bisect import bisect_right
from collections.abc import Callable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import Literal

import msgspec

from executor.errors import ToolFailure
from executor.workspace.left_out import NOTHING_LEFT_OUT, LeftOut
from executor.workspace.numbered import cut_line
from executor.workspace.patterns import BadPattern, PathPattern, glob_patterns
from executor.workspace.prefilter import possible, prefilter
from executor.workspace.resolved import shown
from executor.workspace.secret_names import is_secret
from executor.workspace.text import decode, lines_of
from executor.workspace.walk import Entry, Pruning
from executor.workspace.workspace import Workspace

FILE_MAX = 16 * 1024 * 1024
"""Bytes of the largest file that is searched."""
LINE_MAX = 500
"""Characters of a line that are passed on."""
_RIPGREP_FROM = 64
"""Files; fewer are read sooner than another program is started."""

Output = Literal["lines", "files", "count"]
_Matching = Callable[[list[str]], list[int]]
"""Which of a file's lines match, counted from 0, in order."""


class Request(msgspec.Struct, frozen=True):
    pattern: str
    path: str
    glob: str | None
    ignore_case: bool
    context: int
    output: Output
    rows_max: int
    seconds: float
    """For the listing of the files."""
    left_out: LeftOut = NOTHING_LEFT_OUT
    multiline: bool = False
    names: tuple[str, ...] = ()
    """Only files whose name matches one of these globs, if there are any."""
    ripgrep: str | None = None
    """The program's absolute path, where there is one outside of the project."""


class Line(msgspec.Struct, frozen=True, array_like=True):
    number: int
    is_match: bool
    text: str


class Hit(msgspec.Struct, frozen=True, tag="hit"):
    """One file in which the pattern matches."""

    path: str
    count: int
    lines: tuple[Line, ...] = ()


class Summary(msgspec.Struct, frozen=True, tag="summary"):
    """The end; `cut` says in words why there may be more, `problem` why nothing was searched."""

    cut: str = ""
    problem: str = ""
    no_file: bool = False
    """There was none to look into."""


Found = Hit | Summary


def main() -> None:
    """Answer the request in the program's first argument."""
    request = msgspec.json.decode(sys.argv[1], type=Request)
    for found in search(Workspace(Path.cwd(), request.left_out), request):
        os.write(1, msgspec.json.encode(found) + b"\n")


def search(workspace: Workspace, request: Request) -> Iterator[Found]:
    """The files that match, recently changed ones first, and a summary."""
    try:
        expression = _expression(request)
        chosen = _chosen(request)
    except re.error as error:
        yield Summary(problem=f"The pattern is no regular expression: {error}.")
        return
    except (OverflowError, RecursionError):
        yield Summary(problem="The pattern is too large or nested too deeply.")
        return
    except BadPattern as error:
        yield Summary(problem=f"The glob can't be read: {error}.")
        return
    try:
        paths, cut = _files(workspace, request, chosen)
    except ToolFailure as failure:
        yield Summary(problem=failure.message)
        return
    rows = 0
    for hit in _hits(workspace, paths, expression, request):
        yield hit
        rows += max(1, len(hit.lines))
        if rows >= request.rows_max:
            cut = cut or f"{request.rows_max:,} rows are shown"
            break
    yield Summary(cut=cut, no_file=not paths)


def _expression(request: Request) -> re.Pattern[str]:
    flags = re.IGNORECASE if request.ignore_case else 0
    return re.compile(request.pattern, flags | (re.MULTILINE if request.multiline else 0))


def _hits(
    workspace: Workspace,
    paths: list[tuple[str, ...]],
    expression: re.Pattern[str],
    request: Request,
) -> Iterator[Hit]:
    """The files that match, in the order of `paths`; most of the others are not even decoded."""
    matching = _matching_across(expression) if request.multiline else _matching_lines(expression)
    wanted = prefilter(expression)
    may_match = wanted.in_python() if wanted is not None else None
    if wanted is not None and request.ripgrep is not None and len(paths) >= _RIPGREP_FROM:
        chosen = possible(paths, wanted, request.ripgrep)
    else:
        chosen = iter(paths)
    for path in chosen:
        content = workspace.read_quietly(path, FILE_MAX)
        if content is None or (may_match is not None and not may_match(content)):
            continue
        hit = _hit(path, content, matching, request)
        if hit is not None:
            yield hit


def _matching_lines(expression: re.Pattern[str]) -> _Matching:
    def matching(lines: list[str]) -> list[int]:
        return [index for index, line in enumerate(lines) if expression.search(line)]

    return matching


def _matching_across(expression: re.Pattern[str]) -> _Matching:
    """Every line that a match has a part of."""

    def matching(lines: list[str]) -> list[int]:
        starts = list(accumulate((len(line) + 1 for line in lines), initial=0))
        found: dict[int, None] = {}
        for match in expression.finditer("\n".join(lines)):
            first = bisect_right(starts, match.start()) - 1
            last = bisect_right(starts, max(match.start(), match.end() - 1)) - 1
            found.update(dict.fromkeys(range(first, min(last + 1, len(lines)))))
        return list(found)

    return matching


def _chosen(request: Request) -> tuple[tuple[PathPattern, ...], ...]:
    """Of each of these a path has to match one pattern. Raises BadPattern.

    Without a slash a glob is about names, in whatever folder.
    """
    globs = () if request.glob is None else (request.glob,)
    return tuple(
        tuple(
            pattern
            for glob in wanted
            for pattern in glob_patterns(glob if "/" in glob else f"**/{glob}")
        )
        for wanted in (globs, request.names)
        if wanted
    )


def _files(
    workspace: Workspace, request: Request, chosen: tuple[tuple[PathPattern, ...], ...]
) -> tuple[list[tuple[str, ...]], str]:
    """Which files are looked into, in order, and why some may be missing.

    Files that hold secrets are only searched when the request names them: then policy has decided.
    """
    resolved = workspace.existing(request.path)
    if resolved.kind == "file":
        return [resolved.real], ""

    def wanted(path: tuple[str, ...], kind: str) -> bool:
        below = path[len(resolved.real) :]
        if kind != "file" or is_secret(path):
            return False
        return all(any(one.matches(below) for one in patterns) for patterns in chosen)

    listing = workspace.walk(request.path, Pruning(seconds=request.seconds, keep=wanted))
    ordered = sorted(listing.entries, key=_recent_first)
    return [entry.path for entry in ordered], listing.cut


def _recent_first(entry: Entry) -> tuple[int, tuple[str, ...]]:
    return (-entry.mtime_ns, entry.path)


def _hit(
    path: tuple[str, ...], content: bytes, matching: _Matching, request: Request
) -> Hit | None:
    """What matches in one file; None if nothing does, or if it is no text."""
    text = decode(content)
    if text is None:
        return None
    lines = lines_of(text.text)
    found = matching(lines)
    if not found:
        return None
    if request.output != "lines":
        return Hit(shown(path), len(found))
    kept = found[: request.rows_max]
    return Hit(shown(path), len(found), tuple(_with_context(lines, kept, request.context)))


def _with_context(lines: list[str], matching: list[int], context: int) -> Iterator[Line]:
    matches = set(matching)
    done = 0
    for index in matching:
        for near in range(max(done, index - context), min(len(lines), index + context + 1)):
            yield Line(near + 1, near in matches, cut_line(lines[near], LINE_MAX))
            done = near + 1


if __name__ == "__main__":
    main()
