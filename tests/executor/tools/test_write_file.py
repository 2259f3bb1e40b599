"""`WriteFile`: what is made, what is kept, and what is refused."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from executor.tool_context import ToolOutcome
from executor.workspace import Workspace
from protocol.from_executor import ResultMetadata
from protocol.wire import FileChange
from tests.executor.tools.world import World
from tests.requirements import covers


async def test_a_file_is_created_with_its_folders(world: World) -> None:
    outcome = await world.run("WriteFile", file_path="src/deep/a.py", content="x = 1\n")

    assert (world.root / "src/deep/a.py").read_text() == "x = 1\n"
    assert outcome == ToolOutcome(
        "Created src/deep/a.py: 1 line.",
        metadata=ResultMetadata(
            changes=(FileChange("src/deep/a.py", "created", 1, 0),),
            diff="--- /dev/null\n+++ src/deep/a.py\n@@ -0,0 +1 @@\n+x = 1\n",
        ),
    )


async def test_a_new_file_has_the_mode_that_the_users_mask_leaves(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        world = World(tmp_path, os.environ)
    finally:
        os.umask(before)

    await world.run("WriteFile", file_path="f", content="")

    assert (world.root / "f").stat().st_mode & 0o7777 == 0o640
    await world.close()


async def test_a_file_that_was_read_is_replaced(world: World) -> None:
    world.file("f", "one\ntwo\n")
    await world.run("ReadFile", file_path="f")

    outcome = await world.run("WriteFile", file_path="f", content="one\n2\nthree\n")

    assert outcome.text == "Replaced f: 3 lines where there was 2 lines."
    assert outcome.metadata.changes == (FileChange("f", "modified", 2, 1),)


async def test_a_file_that_was_not_read_is_not_replaced(world: World) -> None:
    path = world.file("f", "mine")

    assert (await world.failure("WriteFile", file_path="f", content="x"))[0] == "not_read"
    assert path.read_text() == "mine"


async def test_a_file_that_changed_since_is_not_replaced(world: World) -> None:
    path = world.file("f", "a\n")
    await world.run("ReadFile", file_path="f")
    path.write_text("theirs\n")

    assert (await world.failure("WriteFile", file_path="f", content="x"))[0] == "stale"
    assert path.read_text() == "theirs\n"


async def test_what_was_just_written_may_be_written_again(world: World) -> None:
    await world.run("WriteFile", file_path="f", content="a")
    await world.run("WriteFile", file_path="f", content="b")

    assert (world.root / "f").read_text() == "b"


@pytest.mark.parametrize(
    ("before", "content", "after"),
    [
        (b"a\r\nb\r\n", "x\ny\n", b"x\r\ny\r\n"),
        (b"a\nb\n", "x\r\ny\r\n", b"x\ny\n"),
        (b"\xef\xbb\xbfa\n", "x\n", b"\xef\xbb\xbfx\n"),
        (b"\xef\xbb\xbfa\n", "\ufeffx\n", b"\xef\xbb\xbfx\n"),
        ("é\n".encode("latin-1"), "ü\n", "ü\n".encode("latin-1")),
        ("é\n".encode("latin-1"), "→\n", "→\n".encode()),
        ("é\n".encode("utf-16"), "→\n", "→\n".encode("utf-16")),
        (b"", "a\r\nb", b"a\r\nb"),
        (b"\0\1", "a\r\n", b"a\r\n"),
        (b"a", "b", b"b"),
    ],
)
async def test_encoding_and_line_endings_are_kept(
    world: World, before: bytes, content: str, after: bytes
) -> None:
    path = world.file("f", before)
    await world.run("ReadFile", file_path="f")

    await world.run("WriteFile", file_path="f", content=content)

    assert path.read_bytes() == after


async def test_the_mode_of_an_existing_file_is_kept(world: World) -> None:
    path = world.file("run.sh", "a")
    path.chmod(0o755)
    await world.run("ReadFile", file_path="run.sh")

    await world.run("WriteFile", file_path="run.sh", content="b")

    assert path.stat().st_mode & 0o7777 == 0o755


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("../outside/x", "outside_workspace"),
        ("/tmp/x", "outside_workspace"),
        ("folder", "is_folder"),
        (".", "is_folder"),
        ("link/x", "outside_workspace"),
        ("dangling", "outside_workspace"),
        ("file/x", "not_found"),
        ("fifo", "not_a_file"),
        ("missing/../x", "outside_workspace"),
        ("x" * 300, "unreadable"),
    ],
)
async def test_what_can_not_be_written_is_refused(world: World, path: str, code: str) -> None:
    world.file("folder/f")
    world.file("file")
    os.mkfifo(world.root / "fifo")
    (world.root / "link").symlink_to(world.outside)
    (world.root / "dangling").symlink_to(world.outside / "made")

    assert (await world.failure("WriteFile", file_path=path, content="x"))[0] == code
    assert os.listdir(world.outside) == []


async def test_a_dangling_link_inside_makes_its_target(world: World) -> None:
    (world.root / "link").symlink_to("target")

    await world.run("WriteFile", file_path="link", content="x")

    assert (world.root / "target").read_text() == "x"
    assert (world.root / "link").is_symlink()


async def test_a_lone_surrogate_is_refused(world: World) -> None:
    assert (await world.failure("WriteFile", file_path="f", content="\ud800"))[0] == "unencodable"
    assert os.listdir(world.root) == []


@covers("R-FILE-3")
def test_a_full_disk_leaves_the_original_and_nothing_else(tmp_path: Path) -> None:
    script = (
        'mount -t tmpfs -o size=64k tmpfs "$1" && printf original > "$1/f" && exec "$2" -c "'
        "import os, sys\n"
        "from pathlib import Path\n"
        "from executor.errors import ToolFailure\n"
        "from executor.workspace import Workspace\n"
        "try: Workspace(Path(sys.argv[1])).write('f', b'x' * 200_000)\n"
        "except ToolFailure as failure: print(failure.code)\n"
        "print(sorted(os.listdir(sys.argv[1])), Path(sys.argv[1], 'f').read_text())"
        '" "$1"'
    )
    done = subprocess.run(
        ["unshare", "-Umr", "sh", "-c", script, "sh", str(tmp_path), sys.executable],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip("needs a user namespace with mounts")

    assert done.stdout == "no_space\n['f'] original\n"


def test_a_write_protected_file_is_not_replaced(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("nothing is write-protected from root")
    path = tmp_path / "f"
    path.write_text("a")
    path.chmod(0o444)
    with pytest.raises(Exception, match="write-protected"):
        Workspace(tmp_path).write("f", b"x")
