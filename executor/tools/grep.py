"""`Grep`: lines that match a regular expression, in recently changed files first.

The search runs as a process of its own, which is killed when a pattern takes too long.
"""

import re

import msgspec

from executor.errors import ToolFailure
from executor.process.command import Ended, Exited, TimedOut
from executor.process.own_program import own_program
from executor.tool_context import ToolContext, ToolOutcome
from executor.workspace.file_types import UnknownType, globs_of_type
from executor.workspace.search import Found, Hit, Request, Summary
from executor.workspace.waiting import in_thread
from protocol.from_executor import ResultMetadata
from protocol.tools import grep
from protocol.tools.contract import ToolContract

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
        try:
            names = () if parameters.type is None else globs_of_type(parameters.type)
        except UnknownType as error:
            raise ToolFailure("invalid_parameters", str(error)) from error
        request = Request(
            pattern=parameters.pattern,
            path=parameters.path,
            glob=parameters.glob,
            ignore_case=parameters.ignore_case,
            context=parameters.context,
            output=parameters.output,
            rows_max=parameters.offset + parameters.limit,
            seconds=_LISTING_SECONDS,
            left_out=context.workspace.left_out,
            multiline=parameters.multiline,
            names=names,
            ripgrep=context.processes.program("rg", context.workspace.root),
        )
        await in_thread(lambda: context.workspace.existing(parameters.path))
        with context.workspace.folder(".") as root:
            ended = await context.processes.run(
                own_program(
                    "executor.workspace.search",
                    request,
                    folder=root,
                    call=context.tool_id,
                    timeout_s=SECONDS,
                    output_max=_OUTPUT_MAX,
                )
            )
        return _outcome(parameters, *_found(ended))


def _found(ended: Ended) -> tuple[list[Hit], Summary]:
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
            case Summary():
                return hits, found
    match ended.outcome:
        case TimedOut():
            cut = f"the search was stopped after {SECONDS:g} s; narrow it by path or glob"
            return hits, Summary(cut)
        case Exited(0):
            return hits, Summary("the matches are too many; narrow the search")
        case _:
            raise ToolFailure("search_failed", f"The search broke off: {ended.outcome}.")


def _outcome(parameters: grep.Grep, hits: list[Hit], end_of_it: Summary) -> ToolOutcome:
    every = [row for hit in hits for row in _rows(parameters, hit)]
    end = parameters.offset + parameters.limit
    rows: list[str] = []
    room = RESULT_MAX
    for row in every[parameters.offset : end]:
        room -= len(row) + 1
        if room < 0 and rows:
            break
        rows.append(row)
    if not hits:
        rows.append(f"[nothing matches{_hint(parameters, end_of_it)}]")
    elif not rows:
        rows.append(f"[there are only {len(every):,} rows]")
    notice = _notice(parameters, len(every), len(rows), end_of_it.cut)
    if notice:
        rows.append(f"[not all: {notice}]")
    return ToolOutcome("\n".join(rows), metadata=ResultMetadata(truncated=bool(notice)))


_LINE_END = re.compile(r"(?<!\\)(?:\\\\)*\\n|\n")


def _hint(parameters: grep.Grep, end_of_it: Summary) -> str:
    """Why a search found nothing, where the pattern itself need not be the reason."""
    if end_of_it.no_file:
        return (
            ": path, glob and type leave no file to search; what git ignores is searched only "
            "where path names it"
        )
    if not parameters.multiline and _LINE_END.search(parameters.pattern):
        return ": each line is searched by itself; multiline looks across line ends"
    return ""


def _notice(parameters: grep.Grep, there: int, shown: int, cut: str) -> str:
    """What is not shown and how to get it; empty where all is."""
    next_row = parameters.offset + shown
    if there <= next_row and (not cut or there < parameters.offset + parameters.limit):
        return cut
    return (
        f"rows {parameters.offset + 1:,} to {next_row:,} are shown, there may be more; "
        f"narrow the search, or go on with offset={next_row}"
    )


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
