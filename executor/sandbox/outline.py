"""What of a project a sandbox must treat apart, and where that stands before a command.

Looks at the project by names; puts nothing up.
"""

import os
from pathlib import Path

import msgspec

from executor.sandbox.premises import Premises
from executor.sandbox.scan import Scan

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
    root = premises.project
    found = scan.look()
    protected: list[str] = []
    repositories: list[str] = []
    missing = _missing_names(premises, found.protected)
    commons: list[str] = []
    for path in found.protected:
        if _is_repository(root / path) and len(repositories) < MAX_REPOSITORIES:
            repositories.append(path)
            for part in (*GIT_PARTS, COMMON_FOLDER):
                inside = f"{path}/{part}"
                if os.path.lexists(root / inside):
                    protected += _existing(root, inside)
                elif part == COMMON_FOLDER:
                    commons.append(inside)
                else:
                    missing.append(inside)
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


def _missing_names(premises: Premises, there: tuple[str, ...]) -> list[str]:
    """Of the project's first level; deeper down the folders themselves may come and go."""
    present = {path.casefold() for path in there}
    return sorted(premises.protected - present - LEFT_MISSING)


def _is_repository(path: Path) -> bool:
    return path.name.casefold() == ".git" and path.is_dir() and not path.is_symlink()


def _existing(root: Path, path: str) -> list[str]:
    """`path`, or what the link there leads to within the project."""
    whole = root / path
    if not whole.is_symlink():
        return [path]
    real = Path(os.path.realpath(whole))
    inside = real.is_relative_to(root) and real != root and real.exists()
    return [str(real.relative_to(root))] if inside else []
