"""What of a project a sandbox must treat apart, and where that stands before a command.

Looks at the project by names; puts nothing up.
"""

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from executor.sandbox.premises import Premises
from executor.sandbox.scan import Scan
from executor.sandbox.stubs import holds_a_place

GIT_PARTS = ("config", "config.worktree", "hooks", "modules", "worktrees")
"""Of a repository: what makes git run something, or look elsewhere for what does."""
COMMON_FOLDER = "commondir"
"""Names the folder with the configuration; a dot says what its absence says."""
COMMON_FOLDER_CONTENT = b".\n"
LEFT_MISSING = frozenset({".gitmodules"})
"""Git reads it whenever it is there, and a place that is held is there: only if it exists."""
MAX_REPOSITORIES = 50


class Outline(msgspec.Struct, frozen=True):
    """Paths relative to the project."""

    secrets: tuple[str, ...]
    protected: tuple[str, ...]
    """What exists and may only be read."""
    repositories: tuple[str, ...]
    """Folders of git: written in, but not replaced."""
    missing: tuple[str, ...]
    """What does not exist, and may not come to exist."""
    missing_commons: tuple[str, ...]
    """Of those, the ones that need COMMON_FOLDER_CONTENT."""


def outline(premises: Premises, scan: Scan) -> Outline:
    """Look again; cheap where little has changed."""
    root = str(premises.project)
    found = scan.look()
    protected: list[str] = []
    repositories: list[str] = []
    held = {path for path in found.protected if path in premises.protected and _holds(root, path)}
    missing = _missing_names(premises, (path for path in found.protected if path not in held))
    commons: list[str] = []
    for path in found.protected:
        if path in held:
            continue
        if _is_repository(root, path) and len(repositories) < MAX_REPOSITORIES:
            repositories.append(path)
            for part in GIT_PARTS:
                inside = f"{path}/{part}"
                if os.path.lexists(f"{root}/{inside}") and not _holds(root, inside):
                    protected += _existing(root, inside)
                else:
                    missing.append(inside)
            inside = f"{path}/{COMMON_FOLDER}"
            if os.path.lexists(f"{root}/{inside}"):
                protected += _existing(root, inside)
            else:
                commons.append(inside)
        else:
            protected += _existing(root, path)
    secrets = [real for path in found.secrets for real in _existing(root, path)]
    return Outline(
        tuple(dict.fromkeys(secrets)),
        tuple(dict.fromkeys(protected)),
        tuple(repositories),
        tuple(missing),
        tuple(commons),
    )


def _holds(root: str, path: str) -> bool:
    """Whether it stands there for another command only: no more than a name that is missing."""
    return holds_a_place(f"{root}/{path}")


def _missing_names(premises: Premises, there: Iterable[str]) -> list[str]:
    """Of the project's first level; deeper down the folders themselves may come and go."""
    present = {path.casefold() for path in there}
    return sorted(premises.protected - present - LEFT_MISSING)


def _is_repository(root: str, path: str) -> bool:
    if path.rpartition("/")[2].casefold() != ".git":
        return False
    whole = f"{root}/{path}"
    return os.path.isdir(whole) and not os.path.islink(whole)


def _existing(root: str, path: str) -> list[str]:
    """`path`, or what the link there leads to within the project."""
    whole = f"{root}/{path}"
    if not os.path.islink(whole):
        return [path]
    real = Path(os.path.realpath(whole))
    inside = real.is_relative_to(root) and real != Path(root) and real.exists()
    return [str(real.relative_to(root))] if inside else []
