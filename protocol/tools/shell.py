"""Contract of `Shell`: one command line. See `contract` for the shape."""

from typing import Annotated

from msgspec import Meta

from protocol.tools.contract import Parameters, ToolContract

BACKGROUND_AFTER_S = 120
SILENCE_S = 600


class Shell(Parameters, frozen=True):
    command: Annotated[str, Meta(min_length=1, description="A command line for the shell.")]
    timeout_s: Annotated[
        Annotated[int, Meta(ge=1, le=1800)] | None,
        Meta(
            description="Seconds until the command is ended, whatever it does. Absent: it is not "
            f"ended, but goes on in the background after {BACKGROUND_AFTER_S} s.",
        ),
    ] = None
    workdir: Annotated[
        str | None,
        Meta(
            description="Folder to run in, relative to the root, for this command alone. Absent: "
            "the working directory, which a cd of an earlier command has changed."
        ),
    ] = None
    background: Annotated[
        bool,
        Meta(description="For servers and watchers: return as soon as it runs, with a shell_id."),
    ] = False
    background_after_s: Annotated[
        Annotated[int, Meta(ge=1, le=1800)] | None,
        Meta(
            description="Seconds after which a command that still runs goes on in the background; "
            f"{BACKGROUND_AFTER_S} if absent and timeout_s too.",
        ),
    ] = None
    silence_s: Annotated[
        Annotated[int, Meta(ge=1, le=1800)] | None,
        Meta(
            description="Seconds without any output until the command is ended; "
            f"{SILENCE_S} if absent, and without end in the background.",
        ),
    ] = None
    pty: Annotated[
        bool,
        Meta(
            description="Run in a pseudo-terminal of 80x24 for programs that insist on one. "
            "Nobody types there; control sequences are taken out of the output."
        ),
    ] = False


CONTRACT = ToolContract(
    name="Shell",
    effect="execute",
    parameters=Shell,
    description=(
        "Runs a command in the project and returns its output, exit code and time. cd carries over "
        "to later calls, variables do not. Standard input is closed: editors, pagers and prompts "
        "are refused with a hint. Long output keeps its head and its tail, and ShellOutput reads "
        "the rest. What the command leaves running is ended with it: for servers set background, "
        "then use ShellOutput and ShellKill with the shell_id. The user may be asked first, and "
        "may refuse. For reading, searching and changing files use ReadFile, Grep, Glob and Edit "
        "instead."
    ),
)
