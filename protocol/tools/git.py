"""Contract of `Git`: one git command as an argument list. See `contract` for the shape."""

from typing import Annotated

from msgspec import Meta

from protocol.tools.contract import Parameters, ToolContract


class Git(Parameters, frozen=True):
    args: Annotated[
        tuple[str, ...],
        Meta(
            min_length=1,
            max_length=256,
            description="Arguments after 'git', one each: ['log', '--oneline', '-5'].",
        ),
    ]


CONTRACT = ToolContract(
    name="Git",
    effect="execute",
    parameters=Git,
    description=(
        "Runs git with the given arguments, no shell in between, and returns its output and exit "
        "code. Looking (status, diff, log, show, ...) runs at once; what changes the repository "
        "may be asked about, and what throws work away or rewrites commits is shown to the user "
        "with all that would be lost. A plain status comes grouped by staged, not staged, "
        "conflicts and untracked; a plain diff begins with its files and counts of lines. Hooks, "
        "pagers and editors of the repository are not run: give commit its message with -m."
    ),
)
