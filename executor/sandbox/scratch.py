"""What a sandbox keeps of its own: a home and a `/tmp` for commands, and a few small files.

Makes folders of this user's alone; they are the project's, and no other's command sees them.
"""

import os
from collections.abc import Mapping

from executor.sandbox.premises import Premises
from executor.sandbox.surroundings import TEMPORARY

_PROXIES = frozenset({"ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"})


def prepare(premises: Premises, files: Mapping[str, bytes]) -> None:
    """Make the folders, and `files` by name. Raises OSError."""
    for folder in (premises.scratch, premises.home_kept, premises.temporary):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.chmod(folder, 0o700)
    for name, content in files.items():
        path = premises.scratch / name
        fresh = premises.scratch / f"{name}.{os.getpid()}"
        fresh.write_bytes(content)
        os.replace(fresh, path)


def inner_environment(environment: Mapping[str, str], *, closed: bool) -> dict[str, str]:
    """What a command in a sandbox gets of its clean `environment`; `closed`: it has no network.

    Folders that configuration and caches lie in follow from HOME.
    """
    return {
        name: value
        for name, value in environment.items()
        if not name.startswith("XDG_") and not (closed and name.upper() in _PROXIES)
    } | {"TMPDIR": str(TEMPORARY)}
