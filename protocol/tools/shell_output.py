"""Contract of `ShellOutput`: what a command has written. See `contract` for the shape."""

from typing import Annotated

from msgspec import Meta

from protocol.tools.contract import Parameters, ToolContract

WAIT_FOR_S = 30


class ShellOutput(Parameters, frozen=True):
    shell_id: Annotated[
        str, Meta(min_length=1, max_length=40, description="As a result of Shell named it.")
    ]
    cursor: Annotated[
        Annotated[int, Meta(ge=0)] | None,
        Meta(description="Byte to read from; absent: where the last reading ended."),
    ] = None
    filter: Annotated[
        Annotated[str, Meta(min_length=1, max_length=1000)] | None,
        Meta(
            description="Only the lines that match this regular expression.",
        ),
    ] = None
    wait_for: Annotated[
        Annotated[str, Meta(min_length=1, max_length=1000)] | None,
        Meta(
            description="Wait until a line from the cursor on matches this regular expression, "
            "the command ends, or timeout_s is over.",
        ),
    ] = None
    timeout_s: Annotated[
        Annotated[int, Meta(ge=0, le=600)] | None,
        Meta(
            description="Seconds to wait, without wait_for for the command's end. Absent: "
            f"{WAIT_FOR_S} with wait_for, else 0.",
        ),
    ] = None


CONTRACT = ToolContract(
    name="ShellOutput",
    effect="read",
    parameters=ShellOutput,
    description=(
        "Returns what a command of Shell has written since the last reading, whether it runs, and "
        "how it ended: for commands in the background, and for the part that a long result left "
        "out. Rather than ask again and again, wait: with wait_for (a server's 'listening on'), or "
        "with timeout_s for the end. Each part is bounded and names the cursor that reads on."
    ),
)
