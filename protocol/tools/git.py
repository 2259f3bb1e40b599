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
        "may be asked about. Hooks, pagers and editors of the repository are not run."
    ),
)
