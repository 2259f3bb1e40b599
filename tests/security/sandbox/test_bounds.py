"""The bound on processes where no control group can be made: for root, and for any other user."""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from executor.sandbox.limits import namespace_bound
from executor.sandbox.premises import Bounds
from tests.security.sandbox.cell import PROCESSES, Kind

REPOSITORY = Path(__file__).parents[3]
OTHER_USER = 65534
SECONDS = 60
_NO_GROUPS = "mount -t tmpfs -o ro none /sys/fs/cgroup"
FORKS = 400
"""Of the bomb."""


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that any user can be given."""
    with tempfile.TemporaryDirectory(prefix="cg-", dir="/tmp") as folder:
        yield Path(folder).resolve()


def _in_namespace(*lines: str) -> str:
    """What the last of these shell commands writes, in a mount namespace of its own."""
    if os.geteuid() != 0 or shutil.which("unshare") is None or shutil.which("setpriv") is None:
        pytest.skip("only root can take these places")
    script = "\n".join(("set -e", _NO_GROUPS, *lines))
    namespace = ("unshare", "--mount", "sh", "-c")
    if subprocess.run((*namespace, _NO_GROUPS), capture_output=True, check=False).returncode:
        pytest.skip("no mount namespace can be had here")
    done = subprocess.run(
        (*namespace, script),
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _bomb(place: Path, kind: Kind) -> str:
    return f"exec {sys.executable} -B -m tests.security.sandbox.bomb {place} {kind}"


def _running() -> int:
    return int(Path("/proc/loadavg").read_text().split()[3].partition("/")[2])


def _made(written: str) -> int:
    """How many processes there were, of which none is left."""
    without, made, left = written.splitlines()
    assert (without, left) == ("no group", "left 0")
    return int(made.removeprefix("made "))


def _reachable(hold: Path) -> tuple[str, ...]:
    """Lay this interpreter and the repository where their paths can be walked by anybody."""
    trees = [REPOSITORY, Path(sys.prefix), Path(os.path.realpath(sys.base_prefix))]
    shut = {tree: outer for tree in trees if (outer := _shut(tree)) is not None}
    kept = [(tree, hold / str(number)) for number, tree in enumerate(shut)]
    return (
        f"mkdir {hold}; mount -t tmpfs none {hold}",
        *(f"mkdir {at}; mount --rbind {tree} {at}" for tree, at in kept),
        *(f"mount -t tmpfs -o mode=755 none {outer}" for outer in {*shut.values()}),
        *(f"mkdir -p {tree}; mount --rbind {at} {tree}" for tree, at in kept),
    )


def _shut(tree: Path) -> Path | None:
    """The outermost folder on the way that others may not walk through."""
    return next((path for path in reversed(tree.parents) if not path.stat().st_mode & 0o001), None)


def test_root_without_a_control_group_meets_the_bound_of_its_namespace(place: Path) -> None:
    if namespace_bound(Bounds()) is None:
        pytest.skip(f"no bound of namespaces: Linux {platform.release()}, or no root")

    assert PROCESSES < _made(_in_namespace(_bomb(place, "bubblewrap"))) < FORKS


def test_another_user_meets_the_bound_without_a_control_group(place: Path, kind: Kind) -> None:
    cell, hold = place / "cell", place / "hold"
    cell.mkdir()
    place.chmod(0o755)
    os.chown(cell, OTHER_USER, OTHER_USER)
    user = f"--reuid={OTHER_USER} --regid={OTHER_USER} --clear-groups"
    command = _bomb(cell, kind).removeprefix("exec ")

    # Landlock's counts from what runs on the whole machine: nobody tells how much is the user's.
    most = PROCESSES * 3 if kind == "bubblewrap" else _running() + PROCESSES * 2
    if most >= FORKS:
        pytest.skip(f"{_running()} processes and threads run here: the bomb is too small")
    made = _made(_in_namespace(*_reachable(hold), f"exec setpriv {user} {command}"))
    assert 10 < made < most


def test_the_machines_own_setting_is_never_taken_for_a_namespaces() -> None:
    bounds = Bounds(processes=512)
    for release in ("6.13.9", "5.14.0-427.el9", "4.4.0", "2.6.60", "", "Darwin"):
        assert namespace_bound(bounds, release) is None
    for release in ("6.14.0", "6.14-rc1", "6.18.44-generic", "7.0.1", "10.0"):
        assert namespace_bound(bounds, release) == (812 if os.getuid() == 0 else None)
