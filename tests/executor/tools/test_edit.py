"""`Edit`: what it changes, what it leaves alone, and what it says when it refuses."""

import asyncio
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from executor.errors import ToolFailure
from executor.tool_context import ToolOutcome
from executor.workspace.files import MISSING
from protocol.from_executor import ResultMetadata
from protocol.wire import FileChange
from tests.examples import examples
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
        (b"a\rb\r", "a\nb", "x\ny\nz", b"x\ry\rz\r"),
        (b"a\rb\r", "a\rb", "x", b"x\r"),
        (b"a\nb\r\n", "a\nb\n", "c\nd\n", b"c\nd\n"),
        (b"a\r\nb", "b", "b\n", b"a\r\nb\r\n"),
        (b"a\n\n\nb\n", "\n\n\n", "\n", b"a\nb\n"),
        (b"\ta\n  b \n", "\ta\n  b ", "c", b"c\n"),
        # Code as it is edited
        (b"def f():\n    return 1\n", "    return 1", "    return 2", b"def f():\n    return 2\n"),
        (b"a = [1,\n     2]\n", "[1,\n     2]", "[]", b"a = []\n"),
        (b"x\n\ty\n", "\ty", "\ty\n\tz", b"x\n\ty\n\tz\n"),
        (b"if (a && b) {\n}\n", "a && b", "a || b", b"if (a || b) {\n}\n"),
        (b"s = 'a\\nb'\n", "a\\nb", "a\\tb", b"s = 'a\\tb'\n"),
        (b"import os\nimport sys\n", "import os\n", "", b"import sys\n"),
        (b"a\nb\n", "b\n", "b\nc\n", b"a\nb\nc\n"),
        (b"b\n", "b", "a\nb", b"a\nb\n"),
        (b'<a href="x">\n', '"x"', '"y"', b'<a href="y">\n'),
        (b"$x = ${y};\n", "${y}", "${z}", b"$x = ${z};\n"),
        (b"%s %% {0} {{}}\n", "%% {0}", "%", b"%s % {{}}\n"),
        (b"aXa\n", "X", "\\0\\g<0>", b"a\\0\\g<0>a\n"),
        (b"one\ntwo", "two", "two\n", b"one\ntwo\n"),
        (b"one\ntwo\n", "two\n", "two", b"one\ntwo"),
        (b"x" * 5000 + b"!\n", "!", "?", b"x" * 5000 + b"?\n"),
        (
            b"<<<<<<< ours\na\n=======\nb\n>>>>>>> theirs\n",
            "<<<<<<< ours\na\n=======\nb\n>>>>>>> theirs\n",
            "b\n",
            b"b\n",
        ),
        # Encodings
        (b"\xef\xbb\xbfone\n", "one", "two", b"\xef\xbb\xbftwo\n"),
        ("é1\n".encode("latin-1"), "1", "ü", "éü\n".encode("latin-1")),
        ("“1”\n".encode("cp1252"), "1", "…", "“…”\n".encode("cp1252")),
        ("é1\n".encode("utf-16"), "1", "2", "é2\n".encode("utf-16")),
        ("é1\n".encode("utf-32"), "1", "2", "é2\n".encode("utf-32")),
        ("One.\r\n".encode("utf-16-le"), "One", "A\nB", "A\r\nB.\r\n".encode("utf-16-le")),
        (
            "ré\n".encode("cp1251", "replace") + "Да\n".encode("cp1251"),
            "r?",
            "x",
            b"x\n" + "Да\n".encode("cp1251"),
        ),
        ("日本語\n".encode(), "本", "ほん", "日ほん語\n".encode()),
        ("e\u0301\n".encode(), "e\u0301", "é", "é\n".encode()),
        ("a\u2028b\n".encode(), "a\u2028b", "ab", b"ab\n"),
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


async def test_matches_that_overlap_are_several(world: World) -> None:
    path = world.file("f", "{\n}\n}\n}\n")
    await world.run("ReadFile", file_path="f")

    code, message = await world.failure("Edit", file_path="f", old_string="}\n}\n", new_string="x")

    assert (code, path.read_text()) == ("several_matches", "{\n}\n}\n}\n")
    assert "at lines 2, 3." in message


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
            (
                "lines 1 to 2, differs in indentation:\n     1\tdef f():\n     2\t    return 1\n"
                "Line 2 of the file: »    return 1«\nIn old_string:  »  return 1«"
            ),
        ),
        (
            "if x:\n\treturn 1\n",
            "if x:\n    return 1",
            (
                "differs in tabs where old_string has spaces, or the other way round:\n"
                "     1\tif x:\n     2\t\treturn 1\n"
                "Line 2 of the file: »\\treturn 1«\nIn old_string:  »    return 1«"
            ),
        ),
        ("a\u00a0b\n", "a b", "»a\\u00a0b«"),
        ("a\u200bb\n", "ab", "differs in characters that can't be seen"),
        ("e\u0301t\u0301 a\n", "ét\u0301 a", "differs in the Unicode form of its characters"),
        ('x = "a"\n', "x = 'a'", "differs in quotes:"),
        ("a\rb\n", "ab", "differs in a carriage return inside a line"),
        ("call(a,\n     b)\nx\n", "call(a, b)", "lines 1 to 2, differs in where its lines break"),
        ("a = 1\n\n\nb = 2\n", "a = 1\nb = 2", "lines 1 to 4, differs in where its lines break"),
        ("x — y\n", "x - y", "differs in typographic quotes, dashes or spaces"),
        ("a\n" * 30 + "b\n", "a \n" * 30 + "b", "[11 more lines]"),
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


@covers("R-FILE-5")
async def test_several_edits_of_one_call_land_in_order(world: World) -> None:
    path = world.file("f", "one\r\ntwo\r\nthree\r\n")
    await world.run("ReadFile", file_path="f")

    outcome = await world.run(
        "Edit",
        file_path="f",
        old_string="one",
        new_string="two",
        edits=[
            {"old_string": "two", "new_string": "2", "replace_all": True},
            {"old_string": "2\n2\nthree", "new_string": "2\nthree"},
        ],
    )

    assert path.read_bytes() == b"2\r\nthree\r\n"
    assert outcome.text == "Edited f: 4 passages replaced, 1 line added, 2 removed."


@covers("R-FILE-5")
@pytest.mark.parametrize(
    ("edits", "code", "said"),
    [
        ([("zzz", "y")], "no_match", "Edit 2 of 2, and so none was made: old_string was not"),
        ([("b", "c"), ("x", "y")], "several_matches", "Edit 3 of 3, and so none was made: "),
        ([("b", "b")], "no_change", "Edit 2 of 2, and so none was made: old_string and"),
        ([("X", "a")], "no_change", "The edits undo one another: no change."),
        ([("b", "\ud800")], "unencodable", "can't hold"),
    ],
)
async def test_several_edits_are_refused_together(
    world: World, edits: list[tuple[str, str]], code: str, said: str
) -> None:
    path = world.file("f", "a b x x\n")
    await world.run("ReadFile", file_path="f")

    got, message = await world.failure(
        "Edit",
        file_path="f",
        old_string="a",
        new_string="X",
        edits=[{"old_string": old, "new_string": new} for old, new in edits],
    )

    assert (got, path.read_text()) == (code, "a b x x\n")
    assert said in message


async def test_a_file_that_changes_while_it_is_written_is_left_as_it_is(world: World) -> None:
    path = world.file("f", "a\n")
    seen = world.workspace.read("f")
    path.write_text("theirs\n")

    with pytest.raises(ToolFailure, match="changed by somebody else while it was being written"):
        world.workspace.write("f", b"mine\n", seen.stamp)

    assert path.read_text() == "theirs\n"
    assert os.listdir(world.root) == ["f"]


async def test_a_file_that_appears_while_it_is_created_is_left_as_it_is(world: World) -> None:
    path = world.file("f", "theirs\n")

    with pytest.raises(ToolFailure, match="changed by somebody else"):
        world.workspace.write("f", b"mine\n", MISSING)

    assert path.read_text() == "theirs\n"


async def test_what_changed_in_a_file_of_secrets_is_not_shown(world: World) -> None:
    path = world.file(".env", "A=1\n")
    await world.run("ReadFile", file_path=".env")
    path.write_text("A=secret\n")

    code, message = await world.failure("Edit", file_path=".env", old_string="A", new_string="B")

    assert (code, "secret" in message) == ("stale", False)


async def test_the_change_of_a_file_with_cr_endings_is_shown_by_line(world: World) -> None:
    world.file("f", b"a\rb\rc\r")
    await world.run("ReadFile", file_path="f")

    outcome = await world.run("Edit", file_path="f", old_string="b", new_string="x")

    assert outcome.metadata == ResultMetadata(
        changes=(FileChange("f", "modified", 1, 1),),
        diff="--- f\n+++ f\n@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n",
    )


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
    st.text(st.characters(codec="latin-1", exclude_categories=("Cc",), include_characters="\t")),
    max_size=6,
)
_CODECS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "latin-1"])


@covers("R-FILE-1")
@settings(
    max_examples=examples(150),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    before=_LINES,
    after=_LINES,
    endings=st.one_of(
        st.lists(st.sampled_from(["\n", "\r\n"]), min_size=14, max_size=14),
        st.just(["\r"] * 14),
    ),
    codec=_CODECS,
)
async def test_bytes_outside_the_match_are_the_same_in_every_encoding_and_ending(
    world: World, before: list[str], after: list[str], endings: list[str], codec: str
) -> None:
    lines = [*before, "thé mark", *after]
    text = "".join(line + end for line, end in zip(lines, endings, strict=False))
    content = text.encode(codec)

    edited = await _edited(world, content, old_string="thé mark", new_string="MÄRK")

    assert edited == text.replace("thé mark", "MÄRK").encode(codec)
