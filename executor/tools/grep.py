"""`Grep`: lines that match a regular expression, in recently changed files first.

The search runs as a process of its own, which is killed when a pattern takes too long.
"""

import sys

import msgspec

from executor.errors import ToolFailure
from executor.process.command import Command, Ended, Exited, TimedOut
from executor.tool_context import ToolContext, ToolOutcome
from executor.workspace.search import Found, Hit, Request, Summary
from executor.workspace.waiting import in_thread
from protocol.from_executor import ResultMetadata
from protocol.tools import grep
from protocol.tools.contract import ToolContract

ROWS_MAX = 1000
RESULT_MAX = 100_000
"""Characters of one result."""
SECONDS = 5.0
_LISTING_SECONDS = 3.0
_OUTPUT_MAX = 4 * 1024 * 1024
_FOUND: msgspec.json.Decoder[Found] = msgspec.json.Decoder(Found)


class GrepTool:
    """Searches the project's text files, `.gitignore` honoured."""

    contract: ToolContract = grep.CONTRACT

    async def run(self, parameters: grep.Grep, context: ToolContext) -> ToolOutcome:
        request = Request(
            pattern=parameters.pattern,
            path=parameters.path,
            glob=parameters.glob,
            ignore_case=parameters.ignore_case,
            context=parameters.context,
            output=parameters.output,
            rows_max=ROWS_MAX,
            seconds=_LISTING_SECONDS,
            left_out=context.workspace.left_out,
        )
        await in_thread(lambda: context.workspace.existing(parameters.path))
        with context.workspace.folder(".") as root:
            ended = await context.processes.run(
                Command(
                    argv=(
                        sys.executable,
                        "-I",
                        "-m",
                        "executor.workspace.search",
                        msgspec.json.encode(request).decode(),
                    ),
                    folder=root,
                    call=context.tool_id,
                    timeout_s=SECONDS,
                    head_bytes=_OUTPUT_MAX,
                    tail_bytes=0,
                    keep_stderr=False,
                    confined=False,
                )
            )
        return _outcome(parameters, *_found(ended))


def _found(ended: Ended) -> tuple[list[Hit], str]:
    """The files that match, and why there may be more."""
    hits: list[Hit] = []
    for line in ended.output.head.splitlines():
        try:
            found = _FOUND.decode(line)
        except msgspec.DecodeError:
            break  # the line on which the search was ended, or the output cut
        match found:
            case Hit():
                hits.append(found)
            case Summary(problem=problem) if problem:
                raise ToolFailure("invalid_parameters", problem)
            case Summary(cut=cut):
                return hits, cut
    match ended.outcome:
        case TimedOut():
            return hits, f"the search was stopped after {SECONDS:g} s; narrow it by path or glob"
        case Exited(0):
            return hits, "the matches are too many; narrow the search"
        case _:
            raise ToolFailure("search_failed", f"The search broke off: {ended.outcome}.")


def _outcome(parameters: grep.Grep, hits: list[Hit], cut: str) -> ToolOutcome:
    rows: list[str] = []
    room = RESULT_MAX
    for hit in hits:
        for row in _rows(parameters, hit):
            room -= len(row) + 1
            if room < 0:
                break
            rows.append(row)
    if room < 0:
        cut = f"{RESULT_MAX:,} characters are shown; narrow the search"
    if not hits:
        rows.append("[nothing matches]")
    if cut:
        rows.append(f"[not all: {cut}]")
    return ToolOutcome("\n".join(rows), metadata=ResultMetadata(truncated=bool(cut)))


def _rows(parameters: grep.Grep, hit: Hit) -> list[str]:
    match parameters.output:
        case "files":
            return [hit.path]
        case "count":
            return [f"{hit.path}:{hit.count}"]
        case "lines":
            rows: list[str] = []
            last = 0
            for line in hit.lines:
                if parameters.context and last and line.number > last + 1:
                    rows.append("--")
                mark = ":" if line.is_match else "-"
                rows.append(f"{hit.path}{mark}{line.number}{mark}{line.text}")
                last = line.number
            return rows
