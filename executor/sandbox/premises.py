"""What a sandbox is built around: one project, its user, and what the configuration adds.

Values; nothing here looks at the machine.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

Network = tuple[str, ...]
"""Empty: none; EVERYWHERE: the machine's own, as it is."""
EVERYWHERE: Network = ("all",)


def _nothing(_path: str) -> bool:
    return False


class Bounds(msgspec.Struct, frozen=True):
    """What the commands of one session may use of the machine."""

    processes: int = 512
    memory_bytes: int = 8 << 30
    """Of each process; never more than three quarters of the machine's."""
    scratch_bytes: int = 2 << 30
    """Of each file system in memory."""


class Premises(msgspec.Struct, frozen=True):
    project: Path
    """Absolute, links followed."""
    identity: tuple[int, int]
    """Device and inode of the project's folder."""
    home: Path
    scratch: Path
    """A folder of this user's alone, outside the project, for what sandboxes keep: homes, files
    in `/tmp`, locks."""
    environment: Mapping[str, str]
    protected: frozenset[str]
    """Folded names that no command may write at, wherever they stand in the project."""
    own: tuple[Path, ...] = ()
    """Folders of the executor's that no command sees."""
    readable: tuple[Path, ...] = ()
    """Folders outside the project that commands may read all the same."""
    writable: tuple[Path, ...] = ()
    """And change."""
    network: Network = ()
    exposed: Callable[[str], bool] = _nothing
    """Whether the user's rules show a secret file of the project, by its path in there."""
    bounds: Bounds = Bounds()

    @property
    def home_kept(self) -> Path:
        """What commands get in the place of their user's home; lives as long as the project."""
        return self.scratch / "home"

    @property
    def temporary(self) -> Path:
        """What they get in the place of `/tmp`."""
        return self.scratch / "tmp"
