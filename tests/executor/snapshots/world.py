"""A project in a folder with its snapshots beside it, and the tree as a value that can be compared.

Blocks, as the snapshots do; what is changed in the project is up to the test.
"""

import os
import stat
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from executor.snapshots import choose
from executor.snapshots.place import Owner, snapshot_folder
from executor.snapshots.scan import Bounds
from executor.snapshots.snapshots import Snapshots, Watch
from executor.snapshots.states import Change
from executor.snapshots.timeline import Checkpoint, Described
from executor.snapshots.undoing import Refused, Restored, undo

Tree = dict[bytes, tuple[int, bytes]]


def tree_of(root: Path) -> Tree:
    """Every name below `root` with its mode, and its bytes or its target."""
    found: Tree = {}
    for folder, folders, names in os.walk(os.fsencode(root)):
        for name in (*folders, *names):
            path = os.path.join(folder, name)
            mode = os.lstat(path).st_mode
            content = b""
            if stat.S_ISLNK(mode):
                content = os.readlink(path)
            elif stat.S_ISREG(mode):
                with open(path, "rb") as file:
                    content = file.read()
            found[os.path.relpath(path, os.fsencode(root))] = (mode, content)
    return found


@dataclass
class World:
    root: Path
    state: Path
    bounds: Bounds | None = None

    @property
    def folder(self) -> Path:
        return snapshot_folder(self.state, self.root)

    @contextmanager
    def snapshots(self) -> Generator[Snapshots]:
        """Opened as another process would open them."""
        made = Snapshots(self.folder, self.root, self.bounds)
        try:
            yield made
        finally:
            made.close()

    def command(
        self, work: Callable[[], object], *, call: str = "c1", run: str = "r1", session: str = "s1"
    ) -> tuple[Change, ...]:
        """What `work` changes, as a call that may change anything."""
        about = Described(session=session, run=run, call=call, tool="Shell", whole=True)
        with self.snapshots() as snapshots, closing(Owner(self.folder, call)) as owner:
            begun = snapshots.begin_whole(about, owner, Watch())
            assert begun is not None
            work()
            changes = snapshots.finish(begun[0], Watch(), whole=True)
        assert changes is not None
        return changes

    def edit(
        self, work: Callable[[], object], *paths: str, call: str = "c1", run: str = "r1"
    ) -> tuple[Change, ...]:
        """What `work` changes, as a call that names its paths."""
        about = Described(session="s1", run=run, call=call, tool="Edit")
        with self.snapshots() as snapshots, closing(Owner(self.folder, call)) as owner:
            begun = snapshots.begin(about, owner, paths)
            work()
            changes = snapshots.finish(begun, Watch(), whole=False)
        assert changes is not None
        return changes

    def undo(
        self,
        chosen: Callable[[Sequence[Checkpoint]], list[Checkpoint]] = choose.last_run,
        *,
        force: bool = False,
    ) -> Restored | Refused:
        with self.snapshots() as snapshots:
            return undo(snapshots, chosen(snapshots.timeline.all()), force=force)


def world_in(folder: Path) -> World:
    """An empty project in `folder`."""
    root = folder / "project"
    root.mkdir()
    return World(root, folder / "state")
