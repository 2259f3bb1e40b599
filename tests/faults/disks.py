"""Small disks: a command in a mount namespace of its own, with a tmpfs at one folder.

Needs Linux and the right to mount there; who has not skips.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_UNSHARE = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "-r", "--mount"]


def with_small_disk(folder: Path, kib: int, command: list[str]) -> list[str]:
    """`command`, for which `folder`, which is made, is an empty disk of so many KiB."""
    folder.mkdir(parents=True, exist_ok=True)
    script = f'mount -t tmpfs -o size={kib}k,mode=0700 tmpfs "$0" && exec "$@"'
    return [*_UNSHARE, "sh", "-c", script, str(folder), *command]


def need_small_disks(folder: Path) -> None:
    """Skip the test where nothing can be mounted."""
    if sys.platform != "linux":
        pytest.skip("mount namespaces are Linux's")
    tried = subprocess.run(
        with_small_disk(folder, 64, ["true"]), capture_output=True, check=False, timeout=20
    )
    if tried.returncode != 0:
        pytest.skip(f"nothing can be mounted here: {tried.stderr.decode().strip()}")
