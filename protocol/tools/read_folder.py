"""Contract of `ReadFolder`: a bounded tree of names. See `contract` for the shape."""

from typing import Annotated

from msgspec import Meta

from protocol.tools.contract import Parameters, ToolContract


class ReadFolder(Parameters, frozen=True):
    dir_path: Annotated[str, Meta(description="Folder relative to the root; '.' is the root.")]
    depth: Annotated[int, Meta(ge=1, le=10, description="How many levels to list.")] = 2


CONTRACT = ToolContract(
    name="ReadFolder",
    effect="read",
    parameters=ReadFolder,
    description=(
        "Lists a folder of the project as an indented tree with file sizes, folders marked by a "
        "trailing '/'. What .gitignore excludes is left out. The list is bounded and says what "
        "it left out. To find files by name anywhere, use Glob."
    ),
)
