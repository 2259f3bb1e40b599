"""Contract of `Clipboard`: read or replace the user's clipboard. See `contract` for the shape."""

from typing import Annotated, Literal

from msgspec import Meta

from protocol.tools.contract import Parameters, ToolContract


class Clipboard(Parameters, frozen=True):
    action: Annotated[Literal["read", "write"], Meta(description="What to do.")]
    text: Annotated[
        Annotated[str, Meta(max_length=100_000)] | None,
        Meta(description="With 'write': what it is to hold."),
    ] = None


CONTRACT = ToolContract(
    name="Clipboard",
    effect="execute",
    parameters=Clipboard,
    description=(
        "Reads the user's clipboard, or replaces it with a text of at most 100,000 bytes. Only "
        "when the user speaks of the clipboard: it may hold something private, so the user is "
        "asked before it is read. Not every machine has one; then the result says why."
    ),
)
