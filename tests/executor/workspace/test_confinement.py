"""Nothing outside the root is reached, by whatever path, link or race."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from executor.errors import OutsideWorkspace, ToolFailure
from executor.workspace import ResolvedPath, Workspace
from tests.examples import examples
from tests.executor.workspace.swapping import changing_places
from tests.requirements import covers


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "ws"
    (root / "dir/deep").mkdir(parents=True)
    (root / "dir/file").write_text("inside")
    (tmp_path / "ws-evil").mkdir()
    (tmp_path / "ws-evil/file").write_text("outside")
    (root / "in").symlink_to("dir/deep")
    (root / "out").symlink_to("../ws-evil")
    (root / "chain").symlink_to("in/../../out")
    (root / "dangling").symlink_to("../ws-evil/new")
    (root / "loop").symlink_to("loop")
    (root / "self").symlink_to(".")
    return root


@pytest.fixture
def workspace(root: Path) -> Iterator[Workspace]:
    workspace = Workspace(root)
    yield workspace
    workspace.close()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (".", ResolvedPath((), (), "folder")),
        ("", ResolvedPath((), (), "folder")),
        ("dir//./file", ResolvedPath(("dir", "file"), ("dir", "file"), "file")),
        ("dir/../dir/file", ResolvedPath(("dir", "file"), ("dir", "file"), "file")),
        ("in", ResolvedPath(("in",), ("dir", "deep"), "folder")),
        ("in/../file", ResolvedPath(("file",), ("dir", "file"), "file")),
        ("in/new", ResolvedPath(("in", "new"), ("dir", "deep", "new"), "missing")),
        ("self/self/dir", ResolvedPath(("self", "self", "dir"), ("dir",), "folder")),
        ("new/x", ResolvedPath(("new", "x"), ("new", "x"), "missing")),
        ("dir/file/x", ResolvedPath(("dir", "file", "x"), ("dir", "file", "x"), "missing")),
        ("DIR", ResolvedPath(("DIR",), ("DIR",), "missing")),
    ],
)
def test_a_path_is_resolved_to_its_real_target(
    workspace: Workspace, path: str, expected: ResolvedPath
) -> None:
    assert workspace.resolve(path) == expected
    assert workspace.resolve(f"{workspace.root}/{path}") == expected


@pytest.mark.parametrize(
    "path",
    [
        "..",
        "../ws-evil/file",
        "dir/../../ws-evil/file",
        "out",
        "out/file",
        "out/../ws/dir",
        "chain/file",
        "dangling",
        "loop",
        "new/../x",
        "dir/file/..",
        "/",
        "/etc/passwd",
        "{root}-evil/file",
        "{root}/../ws-evil/file",
        "/proc/self/root/etc/passwd",
        "/proc/self/cwd",
        "a\0b",
        "\ud800",
        "x" * 5000,
    ],
)
def test_a_path_that_leads_out_is_refused(workspace: Workspace, path: str) -> None:
    with pytest.raises(OutsideWorkspace):
        workspace.resolve(path.format(root=workspace.root))


def test_a_root_that_is_reached_by_a_link_is_known_by_both_names(
    root: Path, tmp_path: Path
) -> None:
    (tmp_path / "alias").symlink_to(root)
    workspace = Workspace(tmp_path / "alias")

    assert workspace.resolve(f"{tmp_path}/alias/dir/file").real == ("dir", "file")
    assert workspace.resolve(f"{root}/dir/file").real == ("dir", "file")
    workspace.close()


_PART = st.sampled_from(
    [
        "..",
        ".",
        "",
        "dir",
        "deep",
        "file",
        "in",
        "out",
        "chain",
        "self",
        "loop",
        "dangling",
        "ws",
        "ws-evil",
        "new",
        "etc",
        "passwd",
        "\u202e",
        "DIR",
        "...",
        "~",
        "*",
        "a\nb",
    ]
)


@covers("R-POLICY-1")
@settings(
    max_examples=examples(3000),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(parts=st.lists(_PART, max_size=8), prefix=st.sampled_from(["", "/", "{root}/", "{root}"]))
@example(parts=["-evil", "file"], prefix="{root}")
def test_whatever_really_lies_outside_is_refused(
    workspace: Workspace, parts: list[str], prefix: str
) -> None:
    path = prefix.format(root=workspace.root) + "/".join(parts)
    try:
        resolved = workspace.resolve(path)
    except OutsideWorkspace:
        return
    real = Path(os.path.realpath(workspace.root / path))

    assert real.is_relative_to(workspace.root)
    assert real.relative_to(workspace.root).parts == resolved.real


ROUNDS = 1500


def _race(workspace: Workspace, read: str, write: str) -> set[bytes]:
    """What was read while the names changed places."""
    seen: set[bytes] = set()
    for _ in range(ROUNDS):
        with suppress(ToolFailure):
            seen.add(workspace.read(read).content)
        with suppress(ToolFailure):
            workspace.write(write, b"inside")
    return seen


@covers("R-POLICY-1")
def test_a_folder_that_turns_into_a_link_under_way_lets_nothing_out(
    workspace: Workspace, root: Path, tmp_path: Path
) -> None:
    (root / "swap").mkdir()
    (root / "swap/file").write_text("inside")
    (root / "link").symlink_to(tmp_path / "ws-evil")

    with changing_places(root / "swap", root / "link"):
        seen = _race(workspace, "swap/file", "swap/new")

    assert seen == {b"inside"}
    assert os.listdir(tmp_path / "ws-evil") == ["file"]
    assert (tmp_path / "ws-evil/file").read_text() == "outside"


def test_a_file_that_turns_into_a_link_is_not_followed(
    workspace: Workspace, root: Path, tmp_path: Path
) -> None:
    (root / "f").write_text("inside")
    (root / "link").symlink_to(tmp_path / "ws-evil/file")

    with changing_places(root / "f", root / "link"):
        seen = _race(workspace, "f", "f")

    assert seen == {b"inside"}
    assert (tmp_path / "ws-evil/file").read_text() == "outside"


def test_no_handles_are_left_open(workspace: Workspace) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for path in ("dir/file", "in/../file", "out", "chain", "loop", "new/x", "self/self", "dir"):
        for work in (workspace.read, workspace.resolve, workspace.existing):
            try:
                work(path)
            except (ToolFailure, OutsideWorkspace):
                continue

    assert len(os.listdir("/proc/self/fd")) == before
