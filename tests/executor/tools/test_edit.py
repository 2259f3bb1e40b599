"""`Edit`: what it changes, what it leaves alone, and what it says when it refuses."""

import asyncio
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from executor.tool_context import ToolOutcome
from protocol.from_executor import ResultMetadata
from protocol.wire import FileChange
from tests.executor.tools.world import World
from tests.requirements import covers


async def _edited(world: World, content: bytes, **parameters: object) -> bytes:
    path = world.file("f", content)
    await world.run("ReadFile", file_path="f")
    await world.run("Edit", file_path="f", **parameters)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("content", "old", "new", "expected"),
    [
        (b"one\ntwo\n", "two", "2", b"one\n2\n"),
        (b"one\ntwo", "two", "2", b"one\n2"),
        (b"one\ntwo\n", "one\ntwo\n", "", b""),
        (b"a\r\nb\r\nc\r\n", "a\nb", "x\ny\nz", b"x\r\ny\r\nz\r\nc\r\n"),
        (b"a\r\nb\r\n", "a\r\nb", "x\r\ny", b"x\r\ny\r\n"),
        (b"a\r\nb\nc\r\n", "b\n", "x\ny\n", b"a\r\nx\ny\nc\r\n"),
        (b"a\r\nb\nc\n", "a\n", "x\ny\n", b"x\r\ny\r\nb\nc\n"),
        (b"a\r\nb\r\n", "\nb", "\nc", b"a\r\nc\r\n"),
        (b"a\r\nb\r\n", "\nb", "", b"a\r\n"),
        (b"a\rb\n", "b", "c", b"a\rc\n"),
        (b"\xef\xbb\xbfone\n", "one", "two", b"\xef\xbb\xbftwo\n"),
        ("é1\n".encode("latin-1"), "1", "ü", "éü\n".encode("latin-1")),
        ("é1\n".encode("utf-16"), "1", "2", "é2\n".encode("utf-16")),
        (
            b"\xfe\xff" + "1\n".encode("utf-16-be"),
            "1",
            "2",
            b"\xfe\xff" + "2\n".encode("utf-16-be"),
        ),
        (b"a.b*c\n", "a.b*c", r"\1$&", b"\\1$&\n"),
        (b"\x0cx\x1b[0m\n", "x", "y", b"\x0cy\x1b[0m\n"),
        ("😀x\n".encode(), "x", "😀", "😀😀\n".encode()),
    ],
)
async def test_only_the_match_changes(
    world: World, content: bytes, old: str, new: str, expected: bytes
) -> None:
    assert await _edited(world, content, old_string=old, new_string=new) == expected


async def test_replace_all_changes_every_match_and_counts_them(world: World) -> None:
    path = world.file("f", "a b\na c\n")
    await world.run("ReadFile", file_path="f")

    outcome = await world.run(
        "Edit", file_path="f", old_string="a", new_string="x", replace_all=True
    )

    assert path.read_text() == "x b\nx c\n"
    assert outcome == ToolOutcome(
        "Edited f: 2 passages replaced, 2 lines added, 2 removed.",
        metadata=ResultMetadata(
            changes=(FileChange("f", "modified", 2, 2),),
            diff="--- f\n+++ f\n@@ -1,2 +1,2 @@\n-a b\n-a c\n+x b\n+x c\n",
        ),
    )


async def test_several_matches_are_refused_with_their_lines(world: World) -> None:
    path = world.file("f", "a\nb\na\n")
    await world.run("ReadFile", file_path="f")

    assert await world.failure("Edit", file_path="f", old_string="a", new_string="x") == (
        "several_matches",
        (
            "old_string matches 2 places in f, at lines 1, 3. "
            "Take more lines around it, or set replace_all."
        ),
    )
    assert path.read_text() == "a\nb\na\n"


@pytest.mark.parametrize(
    ("content", "old", "said"),
    [
        (
            "def f():\n    return 1\n",
            "def f():\n  return 1",
            "lines 1 to 2, differs in indentation:",
        ),
        ("x = 1  \n", "x = 1\n\n", "differs in"),
        ("a =  1\n", "a = 1", "line 1, differs in white space:\n     1\ta =  1"),
        ("say(“hi”)\n", 'say("hi")', "differs in typographic quotes, dashes or spaces"),
        ("Hello\n", "hello", "differs in capital letters"),
        (
            "one\ntwo\n",
            "     1\tone\n     2\ttwo",
            "the line numbers, which are not part of the file",
        ),
        ("x\nalpha beta\ngamma\n", "alpha beta\ndelta", "lines 2 to 3, differs in its words"),
        ("print('a\\n')\n", "print('a\\\\n')", "differs in escapes"),
        ("total = compute(a)\n", "total = compute(b)", "line 1, differs in its words"),
        ("abc\n", "zzzzzz", "nothing like it"),
        ("", "x", "f is empty"),
    ],
)
async def test_where_nothing_matches_it_says_what_comes_nearest_and_why(
    world: World, content: str, old: str, said: str
) -> None:
    world.file("f", content)
    await world.run("ReadFile", file_path="f")

    code, message = await world.failure("Edit", file_path="f", old_string=old, new_string="new")

    assert code == "no_match"
    assert said in message


async def test_a_file_that_was_not_read_is_refused(world: World) -> None:
    world.file("f", "a")

    assert await world.failure("Edit", file_path="f", old_string="a", new_string="b") == (
        "not_read",
        "f was not read yet: read it with ReadFile.",
    )


@covers("R-FILE-2")
async def test_a_file_that_changed_since_is_refused_with_the_difference(world: World) -> None:
    path = world.file("f", "a\n")
    await world.run("ReadFile", file_path="f")
    path.write_text("b\n")

    code, message = await world.failure("Edit", file_path="f", old_string="b", new_string="c")

    assert code == "stale"
    assert message.endswith("What changed:\n--- f\n+++ f\n@@ -1 +1 @@\n-a\n+b\n")
    assert path.read_text() == "b\n"


async def test_a_second_edit_needs_no_second_reading(world: World) -> None:
    path = world.file("f", "a b\n")
    await world.run("ReadFile", file_path="f")

    await world.run("Edit", file_path="f", old_string="a", new_string="x")
    await world.run("Edit", file_path="f", old_string="b", new_string="y")

    assert path.read_text() == "x y\n"


async def test_ten_edits_of_one_file_at_once_all_land(world: World) -> None:
    path = world.file("f", "".join(f"<{n}>\n" for n in range(10)))
    await world.run("ReadFile", file_path="f")

    await asyncio.gather(
        *(
            world.run("Edit", file_path="f", old_string=f"<{n}>", new_string=f"[{n}]")
            for n in range(10)
        )
    )

    assert path.read_text() == "".join(f"[{n}]\n" for n in range(10))


async def test_what_the_encoding_lacks_is_refused(world: World) -> None:
    path = world.file("f", "é\n".encode("latin-1"))
    await world.run("ReadFile", file_path="f")

    code, _ = await world.failure("Edit", file_path="f", old_string="é", new_string="→")

    assert code == "unencodable"
    assert path.read_bytes() == "é\n".encode("latin-1")


@pytest.mark.parametrize(("content", "code"), [(b"a\0b", "binary"), (b"same", "no_change")])
async def test_what_makes_no_sense_is_refused(world: World, content: bytes, code: str) -> None:
    world.file("f", content)
    await world.run("ReadFile", file_path="f")

    assert (await world.failure("Edit", file_path="f", old_string="same", new_string="same"))[
        0
    ] == code


async def test_mode_and_link_are_kept(world: World) -> None:
    path = world.file("bin/tool", "a\n")
    path.chmod(0o751)
    (world.root / "link").symlink_to("bin/tool")
    await world.run("ReadFile", file_path="link")

    await world.run("Edit", file_path="link", old_string="a", new_string="b")

    assert path.read_text() == "b\n"
    assert path.stat().st_mode & 0o7777 == 0o751
    assert (world.root / "link").is_symlink()
    assert sorted(os.listdir(world.root / "bin")) == ["tool"]


async def test_the_other_name_of_a_hard_link_keeps_its_bytes(world: World) -> None:
    outside = world.outside / "secret"
    outside.write_text("a\n")
    os.link(outside, world.root / "f")
    await world.run("ReadFile", file_path="f")

    await world.run("Edit", file_path="f", old_string="a", new_string="b")

    assert outside.read_text() == "a\n"


_LINES = st.lists(
    st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0\x01")), max_size=6
)
_CODECS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1"])


@covers("R-FILE-1")
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    before=_LINES,
    after=_LINES,
    endings=st.lists(st.sampled_from(["\n", "\r\n"]), min_size=14, max_size=14),
    codec=_CODECS,
)
async def test_bytes_outside_the_match_are_the_same_in_every_encoding_and_ending(
    world: World, before: list[str], after: list[str], endings: list[str], codec: str
) -> None:
    lines = [*before, "thé mark", *after]
    text = "".join(line + end for line, end in zip(lines, endings, strict=False))
    content = text.encode(codec)
    if b"\0" in content and not codec.startswith("utf-16"):
        return

    edited = await _edited(world, content, old_string="thé mark", new_string="MÄRK")

    assert edited == text.replace("thé mark", "MÄRK").encode(codec)
