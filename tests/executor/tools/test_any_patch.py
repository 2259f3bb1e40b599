"""Patches of any shape and whatever paths: all or nothing, and nothing outside the project."""

import asyncio
import os
import tempfile
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from executor.errors import ToolFailure
from executor.patch.parse import parsed
from executor.patch.sections import paths_of
from tests.executor.tools.world import World
from tests.requirements import covers

_PATHS = st.one_of(
    st.sampled_from(
        ["f", "g", "new", "dir/f", "dir/new/deep", "in/f", "out/f", "out/new", "dangling", "loop",
         "../outside/f", "dir/../../outside/f", "/etc/hostname", "{outside}/f", "{root}/f", "", ".",
         "..", "dir", "fifo", "a\0b", "x" * 300, "dir//f", "./f", "f/x", "é", "\udc80", "a b", "f "]
    ),
    st.text(max_size=8),
)  # fmt: skip
_LINES = st.sampled_from(["a", "b", "", "  a", "é", "*** End Patch", "@@", "x\ry"])
_BODIES = st.lists(
    st.tuples(st.sampled_from([" ", "-", "+", "", "@@ "]), _LINES).map("".join), max_size=5
).map("\n".join)
_SECTIONS = st.one_of(
    st.builds("*** Add File: {}\n{}".format, _PATHS, _BODIES.map(lambda body: body or "+new")),
    st.builds("*** Add File: {}\n+new".format, _PATHS),
    st.builds("*** Update File: {}\n@@\n{}".format, _PATHS, _BODIES),
    st.builds("*** Update File: {}\n@@\n-a\n+c".format, _PATHS),
    st.builds("*** Update File: {}\n*** Move to: {}\n@@\n-a\n+c".format, _PATHS, _PATHS),
    st.builds("*** Update File: {}\n*** Move to: {}".format, _PATHS, _PATHS),
    st.builds("*** Delete File: {}".format, _PATHS),
    st.builds("--- a/{}\n+++ b/{}\n@@ -1 +1 @@\n-a\n+c".format, _PATHS, _PATHS),
    st.text(max_size=20),
)
_PATCHES = st.lists(_SECTIONS, min_size=1, max_size=3).map(
    lambda sections: "\n".join(("*** Begin Patch", *sections, "*** End Patch"))
)

_Tree = dict[str, tuple[int, bytes | str]]


def _tree(root: Path) -> _Tree:
    """Everything below `root` but folders that hold nothing: kind and content or target."""
    found: _Tree = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        if path.is_symlink():
            found[str(path.relative_to(root))] = (status.st_mode, os.readlink(path))
        elif path.is_file():
            found[str(path.relative_to(root))] = (status.st_mode, path.read_bytes())
        else:
            found[str(path.relative_to(root))] = (status.st_mode, "")
    return found


@covers("R-FILE-12")
@given(patch=_PATCHES)
@example(patch="*** Begin Patch\n*** Delete File: f\n*** Delete File: out/f\n*** End Patch")
@example(patch="*** Begin Patch\n*** Update File: f\n*** Move to: out/new\n*** End Patch")
def test_any_patch_applies_whole_or_not_at_all_and_stays_inside(patch: str) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        asyncio.run(_applied(Path(folder), patch))


async def _applied(folder: Path, patch: str) -> None:
    world = World(folder, os.environ)
    try:
        for name in ("f", "g", "dir/f", "dir/deep/f"):
            world.file(name, "a\nb\n")
            world.reads.note(name, world.workspace.read(name).digest)
        (world.outside / "f").write_text("a\nb\n")
        for name, target in (
            ("in", "dir/deep"),
            ("out", "../outside"),
            ("dangling", "../outside/made"),
            ("loop", "loop"),
        ):
            (world.root / name).symlink_to(target)
        os.mkfifo(world.root / "fifo")
        patch = patch.replace("{outside}", str(world.outside)).replace("{root}", str(world.root))
        await _require_all_or_nothing(world, patch)
    finally:
        await world.close()


async def _require_all_or_nothing(world: World, patch: str) -> None:
    before, outside = _tree(world.root), _tree(world.outside)
    try:
        await world.run("ApplyPatch", patch=patch)
    except ToolFailure:
        assert _tree(world.root) == before
    else:
        named = {"/".join(world.workspace.resolve(p).real) for p in paths_of(parsed(patch))}
        after = _tree(world.root)
        changed = {path for path in before | after if before.get(path) != after.get(path)}
        files = {path for path in changed if not (world.root / path).is_dir()}
        assert files <= named
        assert files or not changed
    assert _tree(world.outside) == outside
