"""Contract of `ApplyPatch`: changes of several files as one. See `contract` for the shape."""

from typing import Annotated

from msgspec import Meta

from protocol.tools.contract import Parameters, ToolContract


class ApplyPatch(Parameters, frozen=True):
    patch: Annotated[str, Meta(description="From '*** Begin Patch' to '*** End Patch'.")]


CONTRACT = ToolContract(
    name="ApplyPatch",
    effect="write",
    parameters=ApplyPatch,
    description=(
        "Adds, changes, deletes and moves several files with one patch: all of it lands, or "
        "nothing is changed. For one place in one file, Edit is simpler.\n\n"
        "*** Begin Patch\n"
        "*** Add File: docs/new.md\n"
        "+every line of it\n"
        "*** Update File: src/app.py\n"
        "*** Move to: src/main.py\n"
        "@@ class Server:\n"
        "@@     def start(self):\n"
        "     a line that stays, indentation included\n"
        "-a line that goes\n"
        "+a line that comes\n"
        "*** Delete File: src/old.py\n"
        "*** End Patch\n\n"
        "Each line of a hunk begins with ' ', '-' or '+'. Give about three lines of context that "
        "stay, as they stand in the file, without line numbers; '@@' begins a hunk, and '@@ LINE' "
        "names a line above it where the context alone fits several places. '*** Move to:' is "
        "optional; '*** End of File' after a hunk says that it is the file's end. Lines that come "
        "with no context go below the '@@' line, or to the end of the file. White space may differ "
        "where only one place fits. A file that you read must not have changed since; one that you "
        "did not read can be changed where the context proves that you know it. Where a hunk does "
        "not fit, the result shows the nearest text and how it differs. Paths are relative to the "
        "project's root."
    ),
)
