"""Search a project's files for a regular expression; run as a program, so that it can be killed.

A pattern of Python's `re` may take for ever, and nothing inside the interpreter can stop it. Knows
nothing of results as a model sees them.

The program runs in the project's root. Its one argument is a Request as JSON; it writes Hits as
JSON, one a line, and at last a Summary.
"""

import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import msgspec

from executor.errors import ToolFailure
from executor.workspace.left_out import NOTHING_LEFT_OUT, LeftOut
from executor.workspace.numbered import cut_line
from executor.workspace.patterns import BadPattern, PathPattern, glob_patterns
from executor.workspace.resolved import shown
from executor.workspace.secret_names import is_secret
from executor.workspace.text import decode, lines_of
from executor.workspace.walk import Entry, Pruning
from executor.workspace.workspace import Workspace

FILE_MAX = 16 * 1024 * 1024
"""Bytes of the largest file that is searched."""
LINE_MAX = 500
"""Characters of a line that are passed on."""

Output = Literal["lines", "files", "count"]


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


Found = Hit | Summary


def main() -> None:
    """Answer the request in the program's first argument."""
    request = msgspec.json.decode(sys.argv[1], type=Request)
    for found in search(Workspace(Path.cwd(), request.left_out), request):
        os.write(1, msgspec.json.encode(found) + b"\n")


def search(workspace: Workspace, request: Request) -> Iterator[Found]:
    """The files that match, recently changed ones first, and a summary."""
    try:
        expression = re.compile(request.pattern, re.IGNORECASE if request.ignore_case else 0)
        globs = _globs(request.glob)
    except re.error as error:
        yield Summary(problem=f"The pattern is no regular expression: {error}.")
        return
    except BadPattern as error:
        yield Summary(problem=f"The glob can't be read: {error}.")
        return
    try:
        entries, cut = _files(workspace, request, globs)
    except ToolFailure as failure:
        yield Summary(problem=failure.message)
        return
    rows = 0
    for path in entries:
        hit = _hit(workspace, path, expression.search, request)
        if hit is None:
            continue
        yield hit
        rows += max(1, len(hit.lines))
        if rows >= request.rows_max:
            cut = cut or f"{request.rows_max:,} rows are shown, there may be more"
            break
    yield Summary(cut=cut)


def _globs(glob: str | None) -> tuple[PathPattern, ...] | None:
    """Without a slash a glob is about names, in whatever folder."""
    if glob is None:
        return None
    return glob_patterns(glob if "/" in glob else f"**/{glob}")


def _files(
    workspace: Workspace, request: Request, globs: tuple[PathPattern, ...] | None
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
        return globs is None or any(one.matches(below) for one in globs)

    listing = workspace.walk(request.path, Pruning(seconds=request.seconds, keep=wanted))
    ordered = sorted(listing.entries, key=_recent_first)
    return [entry.path for entry in ordered], listing.cut


def _recent_first(entry: Entry) -> tuple[int, tuple[str, ...]]:
    return (-entry.mtime_ns, entry.path)


def _hit(
    workspace: Workspace,
    path: tuple[str, ...],
    search_line: Callable[[str], re.Match[str] | None],
    request: Request,
) -> Hit | None:
    """What matches in one file; None if nothing does, or if it can't be read as text."""
    content = workspace.read_quietly(path, FILE_MAX)
    text = decode(content) if content is not None else None
    if text is None:
        return None
    lines = lines_of(text.text)
    matching = [index for index, line in enumerate(lines) if search_line(line)]
    if not matching:
        return None
    if request.output != "lines":
        return Hit(shown(path), len(matching))
    kept = matching[: request.rows_max]
    return Hit(shown(path), len(matching), tuple(_with_context(lines, kept, request.context)))


def _with_context(lines: list[str], matching: list[int], context: int) -> Iterator[Line]:
    matches = set(matching)
    done = 0
    for index in matching:
        for near in range(max(done, index - context), min(len(lines), index + context + 1)):
            yield Line(near + 1, near in matches, cut_line(lines[near], LINE_MAX))
            done = near + 1


if __name__ == "__main__":
    main()
