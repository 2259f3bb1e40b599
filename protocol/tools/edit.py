"""Contract of `Edit`: one exact replacement in a file. See `contract` for the shape."""

from typing import Annotated

from msgspec import Meta

from protocol.tools.contract import Parameters, ToolContract


class Edit(Parameters, frozen=True):
    file_path: Annotated[str, Meta(description="Path relative to the project's root, with '/'.")]
    old_string: Annotated[
        str,
        Meta(
            min_length=1,
            description="Text as it stands in the file, indentation included, line numbers not.",
        ),
    ]
    new_string: Annotated[str, Meta(description="What stands there afterwards.")]
    replace_all: Annotated[
        bool, Meta(description="Replace every occurrence instead of exactly one.")
    ] = False


CONTRACT = ToolContract(
    name="Edit",
    effect="write",
    parameters=Edit,
    description=(
        "Replaces one passage of a file that you have read. old_string must match exactly one "
        "place: take enough lines around the change to make it unique, or set replace_all. "
        "Everything outside the match stays byte for byte. Where nothing matches, the result "
        "shows the nearest text. For a file that does not exist yet, use WriteFile."
    ),
)
