"""Contract of `WriteFile`: a whole file at once. See `contract` for the shape."""

from typing import Annotated

from msgspec import Meta

from protocol.tools.contract import Parameters, ToolContract


class WriteFile(Parameters, frozen=True):
    file_path: Annotated[str, Meta(description="Path relative to the project's root, with '/'.")]
    content: Annotated[str, Meta(description="The file's whole content.")]


CONTRACT = ToolContract(
    name="WriteFile",
    effect="write",
    parameters=WriteFile,
    description=(
        "Creates a file, or replaces the whole of one, with the given content; missing folders "
        "are made. An existing file must have been read before. It keeps its mode, encoding and "
        "line endings. Of Python, JSON, TOML, YAML and JavaScript the result says whether the "
        "file can be parsed. To change part of a file, use Edit: it is shorter and safer."
    ),
)
