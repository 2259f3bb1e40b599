"""Contract of `Grep`: text by regular expression. See `contract` for the shape."""

from typing import Annotated, Literal

from msgspec import Meta

from protocol.tools.contract import Parameters, ToolContract

ROWS_MAX = 1000
OFFSET_MAX = 100_000


class Grep(Parameters, frozen=True):
    pattern: Annotated[
        str, Meta(min_length=1, description="A regular expression as of Python's re, for one line.")
    ]
    path: Annotated[str, Meta(description="File or folder, relative to the root.")] = "."
    glob: Annotated[str | None, Meta(description="Only files that match, e.g. '*.py'.")] = None
    type: Annotated[
        Annotated[str, Meta(min_length=1, max_length=40)] | None,
        Meta(description="Only files of a kind, as rg --type names it: py, js, ts, rust, md, ..."),
    ] = None
    ignore_case: bool = False
    context: Annotated[int, Meta(ge=0, le=20, description="Lines around each match.")] = 0
    output: Annotated[
        Literal["lines", "files", "count"],
        Meta(description="Matching lines, only the files' names, or a count for each file."),
    ] = "lines"
    multiline: Annotated[
        bool, Meta(description="Match across lines: ^ and $ stand at each, . takes no line end.")
    ] = False
    limit: Annotated[int, Meta(ge=1, le=ROWS_MAX, description="Rows at most.")] = ROWS_MAX
    offset: Annotated[
        int, Meta(ge=0, le=OFFSET_MAX, description="Rows to leave out first, to go on.")
    ] = 0


CONTRACT = ToolContract(
    name="Grep",
    effect="read",
    parameters=Grep,
    description=(
        "Searches the project's files with a regular expression and returns 'path:line:text', "
        "recently changed files first. What .gitignore excludes, binary files and files of "
        "secrets are left out. Bounded; says what it left out and how to go on. Prefer it to grep "
        "or rg in Shell."
    ),
)
