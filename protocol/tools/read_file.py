"""Contract of `ReadFile`: a text file with line numbers. See `contract` for the shape."""

from typing import Annotated

from msgspec import Meta

from protocol.tools.contract import Parameters, ToolContract


class ReadFile(Parameters, frozen=True):
    file_path: Annotated[str, Meta(description="Path relative to the project's root, with '/'.")]
    offset: Annotated[int, Meta(ge=1, description="First line to return, counted from 1.")] = 1
    limit: Annotated[int, Meta(ge=1, le=10_000, description="How many lines at most.")] = 2000


CONTRACT = ToolContract(
    name="ReadFile",
    effect="read",
    parameters=ReadFile,
    description=(
        "Reads a text file of the project and returns its lines, each behind its number and a "
        "tab. Read a file before you edit it. Long files come in parts: the end of the result "
        "says which offset goes on. Binary files are told by kind and size only. To find where "
        "something is, use Grep; to see what a folder holds, use ReadFolder."
    ),
)
