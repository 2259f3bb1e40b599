"""What stands before a message of the user's once something was taken back: written, and cut off.

Text only.
"""

from collections.abc import Sequence

PATHS_MAX = 20
_BEGINS = (
    "[The user took changes of yours back, or did them again, with codegen undo and redo. "
    "Changed by that: "
)
_ENDS = "Read a file again before you rely on it.]"


def note(paths: Sequence[str]) -> str:
    """For the model; only the first of many paths."""
    names = ", ".join(path.encode("utf-8", "replace").decode() for path in paths[:PATHS_MAX])
    more = f" and {len(paths) - PATHS_MAX} more" if len(paths) > PATHS_MAX else ""
    return f"{_BEGINS}{names}{more}. {_ENDS}"


def without_note(message: str) -> str:
    """What the user said."""
    if not message.startswith(_BEGINS):
        return message
    _, end, said = message.partition(f"{_ENDS}\n\n")
    return said if end else message
