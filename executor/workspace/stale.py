"""Refuse a change to a file that the model has not seen as it is.

Compares digests; whoever keeps them keeps them elsewhere.
"""

from executor.errors import ToolFailure
from executor.workspace.diff import difference
from executor.workspace.files import FileBytes
from executor.workspace.secret_names import is_secret
from executor.workspace.text import decode
from executor.workspace.workspace import Workspace

_SHOWN_MAX = 4000


def require_seen(workspace: Workspace, found: FileBytes, seen: str | None) -> None:
    """Raise ToolFailure `not_read` or `stale` unless `seen` is the digest of `found`."""
    if seen == found.digest:
        return
    if seen is None:
        raise ToolFailure("not_read", f"{found.shown} was not read yet: read it with ReadFile.")
    raise ToolFailure(
        "stale",
        f"{found.shown} has changed since you read it; read it again before you change it."
        f"{_what_changed(workspace, found, seen)}",
    )


def _what_changed(workspace: Workspace, found: FileBytes, seen: str) -> str:
    if is_secret(tuple(found.shown.split("/"))):
        return ""  # whether it may be read again is for the policy to say
    before = workspace.read_before(seen)
    old = decode(before) if before is not None else None
    new = decode(found.content)
    if old is None or new is None:
        return ""
    diff = difference(found.shown, old.text, new.text).diff
    if not diff:
        return " Its encoding or byte order mark is another one."
    cut = diff if len(diff) <= _SHOWN_MAX else f"{diff[:_SHOWN_MAX]}\n[...]"
    return f" What changed:\n{cut}"
