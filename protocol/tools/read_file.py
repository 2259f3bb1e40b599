"""Contract of `ReadFile`: a file as text with line numbers, or as an image.

See `contract` for the shape.
"""

from typing import Annotated

from msgspec import Meta

from protocol.tools.contract import Parameters, ToolContract


class ReadFile(Parameters, frozen=True):
    file_path: Annotated[str, Meta(description="Path relative to the project's root, with '/'.")]
    offset: Annotated[int, Meta(ge=1, description="First line to return, counted from 1.")] = 1
    limit: Annotated[int, Meta(ge=1, le=10_000, description="How many lines at most.")] = 2000
    pages: Annotated[
        Annotated[str, Meta(max_length=20)] | None,
        Meta(description="Of a PDF, which pages: '3', '2-5' or '7-'."),
    ] = None
    raw: Annotated[
        bool,
        Meta(description="Show a notebook as the JSON that it is stored as, to edit it."),
    ] = False


CONTRACT = ToolContract(
    name="ReadFile",
    effect="read",
    parameters=ReadFile,
    description=(
        "Reads a file of the project. Of a text file come its lines, each behind its number and a "
        "tab; read a file before you edit it. Long files come in parts: the end of the result "
        "says which offset goes on. Of a PDF comes the text by page, of a notebook its cells with "
        "their outputs shortened, of a PNG, JPEG, GIF or WebP the image itself. Other binary "
        "files are told by kind, size and hash only. To find where something is, use Grep; to see "
        "what a folder holds, use ReadFolder."
    ),
)
