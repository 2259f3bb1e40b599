"""Paths of any shape: whatever is opened, read, written or listed by them lies in the project."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from executor.errors import OutsideWorkspace, ToolFailure
from executor.workspace import Workspace
from executor.workspace.staging import Change
from executor.workspace.walk import Pruning
from tests.examples import examples
from tests.requirements import covers

CANARY = b"canary of the outside"
_PARTS = st.one_of(
    st.sampled_from(
        ["..", "..", ".", "", "dir", "deep", "f", "new", "in", "out", "up", "abs", "chain", "self",
         "loop", "far", "fifo", "outside", "project", "f\\x00", "\\x2e\\x2e", "..\\x2f", "\u2024.",
         "\uff0e\uff0e", "~", "%2e%2e", "\0", "f\0", "\udcff", "\ud800", "a\nb", "C:", "x" * 256]
    ),
    st.text(max_size=3),
)  # fmt: skip
_PREFIXES = st.sampled_from(
    ["", "", "", "/", "//", "{root}/", "{root}", "{root}/../", "/proc/self/cwd/"]
)


def _path(prefix: str, parts: list[str], joint: str, end: str) -> str:
    return prefix + joint.join(parts) + end


_PATHS = st.builds(
    _path,
    _PREFIXES,
    st.lists(_PARTS, max_size=7),
    st.sampled_from(["/", "/", "//", "/./", "\\"]),
    st.sampled_from(["", "/", "/.", "/.."]),
)


def _build(outer: Path) -> Path:
    root = outer / "project"
    (root / "dir/deep").mkdir(parents=True)
    (outer / "outside/deep").mkdir(parents=True)
    for name in ("f", "dir/f", "dir/deep/f"):
        (root / name).write_bytes(b"inside")
        (outer / "outside" / Path(name).name).write_bytes(CANARY)
    (outer / "f").write_bytes(CANARY)
    (outer / "outside/deep/f").write_bytes(CANARY)
    links = {
        "in": "dir/deep",
        "out": "../outside",
        "up": "..",
        "abs": str(outer / "outside"),
        "chain": "in/../../out",
        "self": ".",
        "loop": "loop",
        "far": "../outside/made",
        "dir/deep/up": "../../..",
        "dir/back": str(root),
    }
    for name, target in links.items():
        (root / name).symlink_to(target)
    os.mkfifo(root / "fifo")
    return root


def _seen_outside(outer: Path) -> list[tuple[str, int, bytes]]:
    """All that lies beside the project, modes and bytes."""
    found: list[tuple[str, int, bytes]] = []
    for path in sorted(outer.rglob("*")):
        if not path.is_relative_to(outer / "project"):
            content = path.read_bytes() if path.is_file() else b""
            found.append((str(path), path.lstat().st_mode, content))
    return found


def _tried(work: Callable[[], object]) -> object:
    """What `work` gives; the name of its failure where it is one that a path may have."""
    try:
        return work()
    except (ToolFailure, OutsideWorkspace) as failure:
        return type(failure).__name__


@covers("R-POLICY-1")
@settings(max_examples=examples(200))
@given(path=_PATHS, like=_PATHS)
@example(path="out/../project/out/f", like="f")
@example(path="far", like="out/f")
@example(path="dir/new", like="dir")
@example(path="\ud800", like="\udcff/\0")
@example(path="dir/back/up/outside/f", like="f")
def test_no_path_leads_out_whatever_is_done_by_it(path: str, like: str) -> None:
    outer = Path(tempfile.mkdtemp(dir="/tmp"))
    try:
        root = _build(outer)
        path, like = (one.replace("{root}", str(root)) for one in (path, like))
        before = _seen_outside(outer)
        workspace = Workspace(root)
        try:
            seen = _done_by(workspace, path, like)
        finally:
            workspace.close()
        assert CANARY not in b"".join(seen)
        assert _seen_outside(outer) == before
    finally:
        shutil.rmtree(outer)


def _done_by(workspace: Workspace, path: str, like: str) -> list[bytes]:
    """Everything that can be done by a path; the bytes that were seen."""
    seen: list[bytes] = []
    handles = len(os.listdir("/proc/self/fd"))
    resolved = _tried(lambda: workspace.resolve(path))
    read = _tried(lambda: workspace.read(path).content)
    parts = tuple(part for part in path.split("/") if part)
    listing = _tried(lambda: workspace.walk(path, Pruning(entries_max=50)))
    _tried(lambda: _in_folder(workspace, path, seen))
    if isinstance(read, bytes):
        seen.append(read)
    if resolved == "OutsideWorkspace":
        assert isinstance(read, str)
        assert isinstance(listing, str)
    if parts and ".." not in parts and _may_be_on_disk(path):
        quietly = workspace.read_quietly(parts, 100)
        seen.append(quietly or b"")
    _tried(lambda: workspace.require_writable(path))
    _tried(lambda: workspace.commit([Change(path, b"written", like=like)]))
    _tried(lambda: workspace.write(path, b"written"))
    _tried(lambda: workspace.commit([Change(path, None)]))
    assert len(os.listdir("/proc/self/fd")) == handles
    return seen


def _may_be_on_disk(path: str) -> bool:
    try:
        return b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        return False


def _in_folder(workspace: Workspace, path: str, seen: list[bytes]) -> None:
    with workspace.folder(path) as handle:
        seen.append(os.readlink(f"/proc/self/fd/{handle}").encode("utf-8", "surrogateescape"))
        assert Path(os.readlink(f"/proc/self/fd/{handle}")).is_relative_to(workspace.root)
