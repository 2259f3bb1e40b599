"""Settle whether a directory is trusted: by flag, by memory, or by asking once.

Reads nothing of the directory itself.
"""

import sys
from pathlib import Path

from executor.bootstrap.project import Project, wants_trust
from executor.settings import Folders
from executor.trust import Trust
from executor.view.port import Notice
from executor.view.safe_text import safe_line


def settle_trust(
    root: Path, places: Folders, *, trust: bool, can_ask: bool
) -> tuple[Project, tuple[Notice, ...]]:
    """The project, and what the user is to be told when parts of it are left alone."""
    known = Trust(places.state)
    if trust:
        known.remember(root)
    if trust or known.holds(root):
        return Project(root, trusted=True), ()
    wanted = wants_trust(root)
    if not wanted:
        return Project(root, trusted=False), ()
    if can_ask and not known.is_declined(root):
        if _asked(root, wanted):
            known.remember(root)
            return Project(root, trusted=True), ()
        known.decline(root)
    return Project(root, trusted=False), (
        Notice(f"this directory is not trusted: {', '.join(wanted)} not used (--trust)", "warning"),
    )


def _asked(root: Path, wanted: tuple[str, ...]) -> bool:
    sys.stderr.write(
        f"Do you trust {safe_line(str(root))}?\n"
        f"Its {', '.join(wanted)} will be read and obeyed, now and from then on.\n"
        "You are asked this once; codegen --trust says yes later. [y/N] "
    )
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
