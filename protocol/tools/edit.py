"""Contract of `Edit`: exact replacements in one file. See `contract` for the shape."""

from typing import Annotated

from msgspec import Meta

from protocol.tools.contract import Parameters, ToolContract

EDITS_MAX = 100

OldString = Annotated[
    str,
    Meta(
        min_length=1,
        description="Text as it stands in the file, indentation included, line numbers not.",
    ),
]
NewString = Annotated[str, Meta(description="What stands there afterwards.")]
ReplaceAll = Annotated[bool, Meta(description="Replace every occurrence instead of exactly one.")]


class FurtherEdit(Parameters, frozen=True):
    """One more replacement of the same call."""

    old_string: OldString
    new_string: NewString
    replace_all: ReplaceAll = False


class Edit(Parameters, frozen=True):
    file_path: Annotated[str, Meta(description="Path relative to the project's root, with '/'.")]
    old_string: OldString
    new_string: NewString
    replace_all: ReplaceAll = False
    edits: Annotated[
        tuple[FurtherEdit, ...],
        Meta(
            max_length=EDITS_MAX,
            description=(
                "Further replacements in the same file, made in this order after the first one, "
                "each in what those before it left. All are made, or none."
            ),
        ),
    ] = ()


CONTRACT = ToolContract(
    name="Edit",
    effect="write",
    parameters=Edit,
    description=(
        "Replaces one passage of a file that you have read. old_string must match exactly one "
        "place: take enough lines around the change to make it unique, or set replace_all. For "
        "several changes of one file, give the first as old_string and new_string and the others "
        "in edits: all land or none. Everything outside the matches stays byte for byte, line "
        "endings and encoding too. Where nothing matches, the result shows the nearest text and "
        "how it differs. Of Python, JSON, TOML, YAML and JavaScript the result says whether the "
        "file can still be parsed. For a file that does not exist yet, use WriteFile."
    ),
)
