"""Contract of `Glob`: files by name. See `contract` for the shape."""

from typing import Annotated

from msgspec import Meta

from protocol.tools.contract import Parameters, ToolContract

RESULTS_MAX = 500
OFFSET_MAX = 200_000


class Glob(Parameters, frozen=True):
    pattern: Annotated[
        str, Meta(min_length=1, description="For example '**/*.py' or 'src/**/test_*.ts'.")
    ]
    path: Annotated[str, Meta(description="Folder to search, relative to the root.")] = "."
    limit: Annotated[int, Meta(ge=1, le=RESULTS_MAX, description="Files at most.")] = RESULTS_MAX
    offset: Annotated[
        int, Meta(ge=0, le=OFFSET_MAX, description="Files to leave out first, to go on.")
    ] = 0


CONTRACT = ToolContract(
    name="Glob",
    effect="read",
    parameters=Glob,
    description=(
        "Finds files whose path matches a pattern ('*' within a name, '**' across folders, "
        "'{a,b}' either), recently changed ones first. What .gitignore excludes is left out. "
        "Bounded; says what it left out and how to go on. To search inside files, use Grep."
    ),
)
