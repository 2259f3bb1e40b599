"""Contract of `ShellKill`: end a command in the background. See `contract` for the shape."""

from typing import Annotated

from msgspec import Meta

from protocol.tools.contract import Parameters, ToolContract


class ShellKill(Parameters, frozen=True):
    shell_id: Annotated[
        str, Meta(min_length=1, max_length=40, description="As a result of Shell named it.")
    ]


CONTRACT = ToolContract(
    name="ShellKill",
    effect="execute",
    parameters=ShellKill,
    description=(
        "Ends a command that runs in the background, and everything that it has started; returns "
        "the end of its output. Use it when a server is no longer needed, and before it is started "
        "again. At the end of the session they are ended anyway, unless the user keeps them."
    ),
)
