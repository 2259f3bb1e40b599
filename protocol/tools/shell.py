"""Contract of `Shell`: one command, run to its end. See `contract` for the shape."""

from typing import Annotated

from msgspec import Meta

from protocol.tools.contract import Parameters, ToolContract


class Shell(Parameters, frozen=True):
    command: Annotated[str, Meta(min_length=1, description="A command line for the shell.")]
    timeout_s: Annotated[
        int, Meta(ge=1, le=1800, description="Seconds until the command is ended.")
    ] = 120
    workdir: Annotated[
        str | None, Meta(description="Folder to run in, relative to the root; the root if absent.")
    ] = None


CONTRACT = ToolContract(
    name="Shell",
    effect="execute",
    parameters=Shell,
    description=(
        "Runs a command in the project and returns its output, exit code and time. Standard "
        "input is closed: do not start anything that waits for a person. Long output keeps its "
        "head and its tail. The user may be asked first, and may refuse. For reading, searching "
        "and changing files use ReadFile, Grep, Glob and Edit instead."
    ),
)
