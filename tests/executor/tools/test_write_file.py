"""`WriteFile`: what is made, what is kept, and what is refused."""

import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from executor.tool_context import ToolOutcome
from executor.workspace import Workspace
from executor.workspace.text import decode
from protocol.from_executor import ResultMetadata
from protocol.wire import FileChange
from tests.examples import examples
from tests.executor.tools.world import World
from tests.requirements import covers


async def test_a_file_is_created_with_its_folders(world: World) -> None:
    outcome = await world.run("WriteFile", file_path="src/deep/a.txt", content="x = 1\n")

    assert (world.root / "src/deep/a.txt").read_text() == "x = 1\n"
    assert outcome == ToolOutcome(
        "Created src/deep/a.txt: 1 line.",
        metadata=ResultMetadata(
            changes=(FileChange("src/deep/a.txt", "created", 1, 0),),
            diff="--- /dev/null\n+++ src/deep/a.txt\n@@ -0,0 +1 @@\n+x = 1\n",
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

    assert outcome.text == "Replaced f: 3 lines in place of 2 lines."
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
        # Line endings
        (b"a\r\nb\r\n", "x\ny\n", b"x\r\ny\r\n"),
        (b"a\nb\n", "x\r\ny\r\n", b"x\ny\n"),
        (b"a\r\nb\r\nc\n", "x\ny\n", b"x\r\ny\r\n"),
        (b"a\nb\nc\r\n", "x\ny\n", b"x\ny\n"),
        (b"a\rb\r", "x\ny\n", b"x\ry\r"),
        (b"a\r\nb", "x\ny", b"x\r\ny"),
        (b"a\n", "x\ry\n", b"x\ry\n"),
        (b"", "a\r\nb", b"a\r\nb"),
        (b"\n", "\n\n", b"\n\n"),
        # The last line's
        (b"a\n", "b", b"b\n"),
        (b"a\r\n", "b", b"b\r\n"),
        (b"a\r", "b", b"b\r"),
        (b"a", "b", b"b"),
        (b"a", "b\n", b"b\n"),
        (b"a\n", "", b""),
        (b"a\n", "b\n\n", b"b\n\n"),
        (b"a\nb", "c", b"c"),
        # Byte order marks
        (b"\xef\xbb\xbfa\n", "x\n", b"\xef\xbb\xbfx\n"),
        (b"\xef\xbb\xbfa\n", "\ufeffx\n", b"\xef\xbb\xbfx\n"),
        (b"\xef\xbb\xbf", "x\n", b"\xef\xbb\xbfx\n"),
        (b"a\n", "\ufeffx\n", b"\xef\xbb\xbfx\n"),
        # Encodings
        ("é\n".encode("latin-1"), "ü\n", "ü\n".encode("latin-1")),
        ("é\n".encode("latin-1"), "→\n", "→\n".encode()),
        ("é\n".encode("latin-1"), "plain\n", b"plain\n"),
        ("“a”\n".encode("cp1252"), "“b” €\n", "“b” €\n".encode("cp1252")),
        ("“a”\n".encode("cp1252"), "日本\n", "日本\n".encode()),
        ("é\n".encode("utf-16"), "→\n", "→\n".encode("utf-16")),
        ("é\r\n".encode("utf-16"), "a\nb\n", "a\r\nb\r\n".encode("utf-16")),
        (b"\xfe\xff" + "é\n".encode("utf-16-be"), "😀\n", b"\xfe\xff" + "😀\n".encode("utf-16-be")),
        ("One.\n".encode("utf-16-le"), "Two.\n", "Two.\n".encode("utf-16-le")),
        ("é\n".encode("utf-32"), "→\n", "→\n".encode("utf-32")),
        (b"a\n", "日本 😀\n", "日本 😀\n".encode()),
        (b"a\n", "e\u0301\n", "e\u0301\n".encode()),
        # What was no text
        (b"\0\1", "a\r\n", b"a\r\n"),
        (b"\x89PNG\r\n\x1a\n", "text\n", b"text\n"),
        ("日本語の文章".encode("shift-jis"), "text", b"text"),
        # What a file may hold
        (b"a\n", "\t\n  \n", b"\t\n  \n"),
        (b"a\n", "a\u2028b\x0c\n", "a\u2028b\x0c\n".encode()),
        (b"a\n", "\\n ${x} %s {} \\1\n", b"\\n ${x} %s {} \\1\n"),
        (b"a\n", "x" * 100_000 + "\n", b"x" * 100_000 + b"\n"),
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


async def test_what_is_kept_is_told(world: World) -> None:
    world.file("f", "“a”\r\n".encode("cp1252"))
    await world.run("ReadFile", file_path="f")

    kept = await world.text("WriteFile", file_path="f", content="“b”\n")
    world.file("f", "é\n".encode("latin-1"))
    await world.run("ReadFile", file_path="f")
    lost = await world.text("WriteFile", file_path="f", content="→\n")

    assert kept == ("Replaced f: 1 line in place of 1 line. Kept: Windows-1252, CRLF line endings.")
    assert lost == (
        "Replaced f: 1 line in place of 1 line. Its encoding lacks some of the characters: it "
        "is UTF-8 from here on."
    )


@covers("R-FILE-7")
@pytest.mark.skipif(sys.platform != "linux", reason="Python knows no such attributes elsewhere")
async def test_extended_attributes_and_access_lists_are_kept(world: World) -> None:
    path = world.file("f", "a\n")
    path.chmod(0o640)
    # Version 2: owner rw, user 1234 r, group r, mask r, others none.
    entries = ((1, 6, -1), (2, 4, 1234), (4, 4, -1), (0x10, 4, -1), (0x20, 0, -1))
    access = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)
    attributes = {"user.note": b"kept", "system.posix_acl_access": access}
    try:
        for name, value in attributes.items():
            os.setxattr(path, name, value)
    except OSError:
        pytest.skip("this file system has no extended attributes")
    await world.run("ReadFile", file_path="f")

    await world.run("Edit", file_path="f", old_string="a", new_string="b")

    assert {name: os.getxattr(path, name) for name in os.listxattr(path)} == attributes
    assert (path.read_text(), path.stat().st_mode & 0o7777) == ("b\n", 0o640)


@covers("R-FILE-7")
async def test_the_owner_of_an_existing_file_is_kept(world: World) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root gives files away")
    path = world.file("f", "a\n")
    os.chown(path, 1234, 2345)
    path.chmod(0o6755)
    await world.run("ReadFile", file_path="f")

    await world.run("WriteFile", file_path="f", content="b\n")

    status = path.stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (1234, 2345, 0o6755)


@covers("R-FILE-4")
@settings(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    text=st.text(st.characters(codec="latin-1", exclude_categories=("Cc",)), min_size=4),
    ending=st.sampled_from(["", "\n", "\r\n", "\r"]),
    codec=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-be", "latin-1"]),
)
async def test_writing_what_was_read_gives_the_same_bytes(
    world: World, text: str, ending: str, codec: str
) -> None:
    content = f"{text}{ending}{text}{ending}".encode(codec)
    path = world.file("f", content)
    await world.run("ReadFile", file_path="f")
    read = decode(content)
    assert read is not None

    # A model sees and writes line feeds.
    seen = read.text.replace("\r\n", "\n").replace("\r", "\n")
    await world.run("WriteFile", file_path="f", content=seen)

    assert path.read_bytes() == content


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


async def test_content_that_is_there_already_is_said_to_be(world: World) -> None:
    world.file("f", "same\n")
    await world.text("ReadFile", file_path="f")

    told = await world.text("WriteFile", file_path="f", content="same\n")

    assert told == "f held just that already: 1 line."
