"""`ReadFile` on every kind of content, name and mishap."""

import hashlib
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from executor.tool_context import ToolOutcome
from protocol.from_executor import ResultMetadata
from tests.executor.tools.world import World

UNKNOWN = "text in an encoding that is not known here, or binary data"
HINTS = {
    UNKNOWN: "\n[if it is text: iconv -f ENCODING -t UTF-8 in Shell shows it]",
    "PNG image": "\n[not shown, because its structure is broken: it may be cut off]",
}
"""What stands behind the facts of a file, by its kind."""


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"one\ntwo\n", "     1\tone\n     2\ttwo"),
        (b"one\ntwo", "     1\tone\n     2\ttwo\n[no line ending at the end]"),
        (b"\n", "     1\t"),
        (b"\n\n", "     1\t\n     2\t"),
        (b" \t\n", "     1\t \t"),
        (b"", "[the file is empty]"),
        # Line endings
        (b"one\r\ntwo\r\n", "     1\tone\n     2\ttwo\n[CRLF line endings]"),
        (b"one\r\ntwo\n", "     1\tone\n     2\ttwo\n[mixed line endings]"),
        (b"one\r\ntwo", "     1\tone\n     2\ttwo\n[CRLF line endings; no line ending at the end]"),
        (b"one\rtwo\r", "     1\tone\n     2\ttwo\n[CR line endings]"),
        (b"one\rtwo", "     1\tone\n     2\ttwo\n[CR line endings; no line ending at the end]"),
        (b"one\rmore\ntwo\n", "     1\tone\rmore\n     2\ttwo"),
        (b"a\x0cb\x0bc\xc2\x85d\n", "     1\ta\x0cb\x0bc\x85d"),
        ("a\u2028b\n".encode(), "     1\ta\u2028b"),
        # Encodings
        ("é\n".encode(), "     1\té"),
        ("日本語 😀\n".encode(), "     1\t日本語 😀"),
        (b"\xef\xbb\xbfone\n", "     1\tone\n[byte order mark]"),
        (b"\xef\xbb\xbf", "[the file is empty]"),
        ("é\n".encode("latin-1"), "     1\té\n[Latin-1]"),
        (
            "naïve café, 5 µm\r\n".encode("latin-1"),
            "     1\tnaïve café, 5 µm\n[Latin-1, CRLF line endings]",
        ),
        ("“5 €”\n".encode("cp1252"), "     1\t“5 €”\n[Windows-1252]"),
        (b"caf\xe9\x1a", "     1\tcafé\x1a\n[Latin-1; no line ending at the end]"),
        ("Привет\n".encode("cp1251"), "     1\tÏðèâåò\n[Latin-1]"),
        ("é\n".encode("utf-16"), "     1\té\n[UTF-16, byte order mark]"),
        (b"\xfe\xff" + "é\n".encode("utf-16-be"), "     1\té\n[UTF-16, byte order mark]"),
        ("One, two.\r\n".encode("utf-16-le"), "     1\tOne, two.\n[UTF-16, CRLF line endings]"),
        ("One, two.\n".encode("utf-16-be"), "     1\tOne, two.\n[UTF-16]"),
        ("é\n".encode("utf-32"), "     1\té\n[UTF-32, byte order mark]"),
        # What looks like binary and is not
        (b"\x1b[1mbold\x1b[0m\n", "     1\t\x1b[1mbold\x1b[0m"),
        (b"\x01\n" + b"text " * 4 + b"\n", "     1\t\x01\n     2\t" + "text " * 4),
        (b"#!/bin/sh\necho hi\n", "     1\t#!/bin/sh\n     2\techo hi"),
        (b"BM is not always a bitmap\n", "     1\tBM is not always a bitmap"),
    ],
)
async def test_every_text_is_shown_with_numbers_and_what_is_peculiar(
    world: World, content: bytes, expected: str
) -> None:
    world.file("f", content)

    outcome = await world.run("ReadFile", file_path="f")

    assert outcome == ToolOutcome(expected, metadata=ResultMetadata(total_bytes=len(content)))
    assert world.reads.digests == {"f": hashlib.sha256(content).hexdigest()}


async def test_a_long_file_comes_in_parts_that_say_how_to_go_on(world: World) -> None:
    world.file("f", "".join(f"line {n}\n" for n in range(1, 11)))

    first = await world.run("ReadFile", file_path="f", limit=2)
    last = await world.run("ReadFile", file_path="f", offset=10)

    assert first.text == "     1\tline 1\n     2\tline 2\n[lines 1 to 2 of 10; offset 3 goes on]"
    assert first.metadata.truncated
    assert last.text == "    10\tline 10"


async def test_an_offset_past_the_end_is_said(world: World) -> None:
    world.file("f", "one\n")

    assert await world.text("ReadFile", file_path="f", offset=5) == (
        "[the file has 1 line: offset 5 is past its end]"
    )


async def test_a_long_line_is_cut_visibly(world: World) -> None:
    world.file("f", "x" * 5000 + "\n")

    assert await world.text("ReadFile", file_path="f") == (
        "     1\t" + "x" * 2000 + " [... 3,000 more characters]"
    )


async def test_a_result_is_bounded_and_says_which_offset_goes_on(world: World) -> None:
    world.file("f", ("x" * 1000 + "\n") * 500)

    text = await world.text("ReadFile", file_path="f")

    assert len(text) < 101_000
    assert text.endswith("[lines 1 to 99 of 500; offset 100 goes on]")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0", "PNG image"),
        (b"PK\x03\x04\0\0", "ZIP archive (or a document, a JAR, a wheel)"),
        (b"\x7fELF\0\0", "ELF binary"),
        (b"\x1f\x8b\x08\0", "gzip data"),
        (b"SQLite format 3\0", "SQLite database"),
        (b"RIFF\0\0\0\0WAVE", "WAV audio"),
        (b"\0" * 257 + b"ustar", "tar archive"),
        (b"a\0b", "binary data"),
        (b"a\0b\0c", "binary data"),
        (b"\1\0\2\0\3\0\4\0", "binary data"),
        ("text\n".encode("utf-16-le") + b"\0\xd8", "binary data"),
        ("日本語の文章".encode("shift-jis") + b"\n", UNKNOWN),
        ("日本".encode("shift-jis") * 6, UNKNOWN),
        (b"caf\xe9 \x02\n", UNKNOWN),
        (b"\xff\xfea\0\0\0", "binary data"),
        (b"\x01\x02\x03\x04\x05\x06", "binary data"),
    ],
)
async def test_a_binary_file_is_told_by_kind_size_and_hash(
    world: World, content: bytes, kind: str
) -> None:
    world.file("f", content)

    assert await world.text("ReadFile", file_path="f") == (
        f"[f is a binary file: {kind}, {len(content)} bytes, "
        f"SHA-256 {hashlib.sha256(content).hexdigest()}]{HINTS.get(kind, '')}"
    )


async def test_a_folder_points_to_the_tool_that_lists_it(world: World) -> None:
    world.file("src/a.py")

    assert await world.failure("ReadFile", file_path="src") == (
        "is_folder",
        "src is a folder: list it with ReadFolder.",
    )


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ("src/Main.py", " Did you mean src/main.py?"),
        ("src/mian.py", " Did you mean src/main.py?"),
        ("main.py", " Did you mean src/main.py?"),
        ("lib/main.py", " Did you mean src/main.py?"),
        ("zzz", ""),
        ("src/a.py", ""),
    ],
)
async def test_a_missing_file_names_near_misses(world: World, asked: str, hint: str) -> None:
    world.file("src/main.py")

    assert await world.failure("ReadFile", file_path=asked) == (
        "not_found",
        f"{asked} does not exist.{hint}",
    )


@pytest.mark.parametrize(
    "name", ["a b", "it's", 'a"b', "ünïcödé", "a\nb", "-rf", "a\\b", "~", "$(x)", "*", "\u202ea"]
)
async def test_odd_names_are_read_and_noted_under_one_name(world: World, name: str) -> None:
    world.file(name, "x\n")

    assert await world.text("ReadFile", file_path=name) == "     1\tx"
    assert len(world.reads.digests) == 1


async def test_a_name_that_is_no_utf_8_is_read_by_its_printable_form(world: World) -> None:
    (world.root / os.fsdecode(b"caf\xe9.txt")).write_text("x\n")

    assert await world.text("ReadFile", file_path="caf\\xe9.txt") == "     1\tx"
    assert list(world.reads.digests) == ["caf\\xe9.txt"]


@pytest.mark.parametrize(
    "path",
    ["../outside/secret", "src/../../outside/secret", "/etc/passwd", "{root}-evil/x", "a\0b"],
)
async def test_what_lies_outside_is_refused(world: World, path: str) -> None:
    (world.outside / "secret").write_text("secret")
    world.file("src/a")

    code, _ = await world.failure("ReadFile", file_path=path.format(root=world.root))

    assert code == "outside_workspace"


@pytest.mark.parametrize("target", ["../outside/secret", "/etc/passwd", "../outside/missing"])
async def test_a_link_that_leads_out_is_refused(world: World, target: str) -> None:
    (world.outside / "secret").write_text("secret")
    (world.root / "link").symlink_to(target)

    code, _ = await world.failure("ReadFile", file_path="link")

    assert code == "outside_workspace"


async def test_links_that_stay_inside_are_followed(world: World) -> None:
    world.file("real/f", "x\n")
    (world.root / "relative").symlink_to("real/f")
    (world.root / "absolute").symlink_to(world.root / "real" / "f")
    (world.root / "folder").symlink_to("real")

    for path in (
        "relative",
        "absolute",
        "folder/f",
        "folder/../real/f",
        str(world.root / "real/f"),
    ):
        assert await world.text("ReadFile", file_path=path) == "     1\tx"
    assert list(world.reads.digests) == ["real/f"]


async def test_links_in_a_circle_end(world: World) -> None:
    (world.root / "a").symlink_to("b")
    (world.root / "b").symlink_to("a")

    code, _ = await world.failure("ReadFile", file_path="a")

    assert code == "outside_workspace"


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


def _zero(path: Path) -> None:
    os.mknod(path, 0o600 | 0o020000, os.makedev(1, 5))


@pytest.mark.parametrize(
    ("make", "kind"), [(_fifo, "a FIFO"), (_socket, "a socket"), (_zero, "a character device")]
)
async def test_what_is_no_file_is_told_and_never_waited_for(
    world: World, make: Callable[[Path], None], kind: str
) -> None:
    try:
        make(world.root / "odd")
    except PermissionError:
        pytest.skip("devices can't be made here")

    assert await world.failure("ReadFile", file_path="odd") == (
        "not_a_file",
        f"odd is {kind}, not a file.",
    )


async def test_a_huge_file_is_refused_without_being_read(world: World) -> None:
    with world.file("f").open("wb") as file:
        file.truncate(10 << 30)

    code, message = await world.failure("ReadFile", file_path="f")

    assert code == "too_large"
    assert "10,737,418,240 bytes" in message


async def test_a_path_through_a_file_is_not_found(world: World) -> None:
    world.file("f", "x")

    code, _ = await world.failure("ReadFile", file_path="f/g")

    assert code == "not_found"


async def test_a_link_that_leads_nowhere_is_named_with_what_is_missing(world: World) -> None:
    (world.root / "link").symlink_to("gone.txt")

    assert await world.failure("ReadFile", file_path="link") == (
        "not_found",
        "link leads to gone.txt, which does not exist.",
    )
