"""Whether a search would go through files that hold secrets.

Knows how `grep` and `rg` choose files; what lies where is asked of the ground.
"""

from collections.abc import Sequence

from executor.policy.globs import last_names, may_match_any
from executor.policy.ground import IsRead, Kind
from executor.policy.options import Given
from executor.policy.standpoint import Standpoint

SEARCHES = frozenset({"grep", "egrep", "fgrep", "rg"})
_CHOOSING = ("--include", "--exclude")


def search_strays(program: str, given: Given, paths: Sequence[str], at: Standpoint) -> str | None:
    """Whatever a search goes through is shown: no secret may lie there."""
    if program == "rg":
        goes_down = not given.has("--files")
        is_read, shuns_hidden = _by_ripgrep(given), not given.has("--hidden")
    else:
        goes_down = given.has("-r", "--recursive")
        is_read, shuns_hidden = _by_grep(given), False
    if goes_down and any(
        at.holds_secrets(path, is_read, shuns_hidden=shuns_hidden) for path in paths or ["."]
    ):
        return f"{program} would go through files that hold secrets"
    return None


def _by_ripgrep(given: Given) -> IsRead:
    """A glob that includes shows hidden names too, and then no other file is read."""
    globs = [glob for glob in given.values("-g", "--glob") if not glob.startswith("!")]
    wanted = [name for glob in globs for name in last_names(glob)]
    hidden_too = given.has("--hidden")

    def is_read(name: str, kind: Kind) -> bool:
        if wanted and may_match_any(name, wanted):
            return True
        if wanted and kind == "file":
            return False
        return hidden_too or not name.startswith(".")

    return is_read


def _by_grep(given: Given) -> IsRead:
    """With --include=GLOB it reads what one of them means; all others, if --exclude came first."""
    chosen = [name for name, _ in given.options if name in _CHOOSING]
    globs = given.values("--include") if chosen[:1] == ["--include"] else ()

    def is_read(name: str, kind: Kind) -> bool:
        return kind == "folder" or not globs or may_match_any(name, globs)

    return is_read
