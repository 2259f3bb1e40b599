"""Contract of `GetWorkingDirectory`: where the executor works. See `contract` for the shape."""

from protocol.tools.contract import Parameters, ToolContract


class GetWorkingDirectory(Parameters, frozen=True):
    """No parameters."""


CONTRACT = ToolContract(
    name="GetWorkingDirectory",
    effect="read",
    parameters=GetWorkingDirectory,
    description=(
        "Tells the project's root, the current directory of the shell, the operating system "
        "and the shell. Needed only when the project context does not say so already."
    ),
)
