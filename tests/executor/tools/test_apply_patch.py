"""`ApplyPatch`: what it changes, what it keeps, and that it is all or nothing."""

import asyncio
import os
import stat
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from executor.errors import ToolFailure
from executor.patch.parse import parsed
from executor.tool_context import ToolOutcome
from protocol.from_executor import ResultMetadata
from protocol.wire import FileChange
from tests.examples import examples
from tests.executor.tools.world import World
from tests.requirements import covers

CODE = (
    "class A:\n    def f(self):\n        return 1\n\nclass B:\n    def f(self):\n        return 1\n"
)


def _patch(*lines: str) -> str:
    return "\n".join(("*** Begin Patch", *lines, "*** End Patch"))


def _update(*lines: str) -> str:
    return _patch("*** Update File: f", *lines)


def _tree(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize(
    ("content", "lines", "expected"),
    [
        # Hunks and context
        (b"a\nb\nc\n", ["@@", " a", "-b", "+x", " c"], b"a\nx\nc\n"),
        (b"a\nb\nc\n", ["-b", "+x"], b"a\nx\nc\n"),
        (b"a\nb\nc\n", ["@@", " a", "+x", " b"], b"a\nx\nb\nc\n"),
        (b"a\nb\nc\n", ["@@", "-a", "-b", "-c"], b""),
        (b"a\nb\nc\nd\ne\n", ["@@", "-a", "+1", "@@", "-e", "+5"], b"1\nb\nc\nd\n5\n"),
        (b"a\nb\nc\nd\ne\n", ["@@", "-e", "+5", "@@", "-a", "+1"], b"1\nb\nc\nd\n5\n"),
        (b"a\nb\nc\n", ["@@", "-a", "-b", "+b", "+a", " c"], b"b\na\nc\n"),
        (b"a\n\nb\n", ["@@", " a", "", "-b", "+c"], b"a\n\nc\n"),
        (b"a\nb\n", ["@@", " a", "-b", "+c", ""], b"a\nc\n"),
        (b"a\nb\n\n", ["@@", "-b", "+c", "", ""], b"a\nc\n\n"),
        (b"- a\n+ b\n", ["@@", "-- a", "+- c", " + b"], b"- c\n+ b\n"),
        (b"@@ x\n*** y\n", ["@@", " @@ x", "-*** y", "+*** z"], b"@@ x\n*** z\n"),
        # Anchors
        (CODE.encode(), ["@@ class B:", "-        return 1", "+        return 2"],
         CODE[:-2].encode() + b"2\n"),
        (CODE.encode(), ["@@ class B:", "@@     def f(self):", "-        return 1",
                         "+        return 2"], CODE[:-2].encode() + b"2\n"),
        (CODE.encode(), ["@@ class B", "@@ def f", "-        return 1", "+        return 2"],
         CODE[:-2].encode() + b"2\n"),
        (CODE.encode(), ["@@ class B:", " class B:", "-    def f(self):", "+    def g(self):"],
         CODE.replace("class B:\n    def f", "class B:\n    def g").encode()),
        (CODE.encode(), ["@@ -7,1 +7,1 @@ class B:", "-        return 1", "+        return 2"],
         CODE[:-2].encode() + b"2\n"),
        (b"a\nx\nb\nx\n", ["@@ b @@", "-x", "+y"], b"a\nx\nb\ny\n"),
        (b"x\nb\nx\n", ["@@", "-b", "+c", "@@", "-x", "+y"], b"x\nc\ny\n"),
        (b"def f():\n  pass\n", ["@@ def f():", "+  x = 1"], b"def f():\n  x = 1\n  pass\n"),
        # Ends of files
        (b"a\nb\na\n", ["@@", "-a", "+x", "*** End of File"], b"a\nb\nx\n"),
        (b"a\nb", ["@@", "-b", "+c"], b"a\nc"),
        (b"a\nb", ["@@", " b", "+c"], b"a\nb\nc"),
        (b"a\nb", ["@@", "-b", "\\ No newline at end of file", "+b"], b"a\nb\n"),
        (b"a\nb\n", ["@@", "-b", "+b", "\\ No newline at end of file"], b"a\nb"),
        (b"a\nb", ["@@", " a", "-b", "\\ No newline at end of file"], b"a\n"),
        (b"a\n", ["@@", "+b", "*** End of File"], b"a\nb\n"),
        (b"a\n", ["@@", "+b"], b"a\nb\n"),
        (b"", ["@@", "+b"], b"b\n"),
        # White space, where one place fits
        (b"a \nb\n", ["@@", " a", "-b", "+c"], b"a \nc\n"),
        (b"a\nb\n", ["@@", " a  ", "-b\t", "+c"], b"a\nc\n"),
        (b"    a\n    b\n", ["@@", "   a", "-  b", "+  c"], b"    a\n    c\n"),
        (b"\ta\n\tb\n", ["@@", "     a", "-    b", "+    c", "+        d"], None),
        (b"\ta\n\t\tb\n", ["@@", "     a", "-        b", "+        c", "+    d"],
         b"\ta\n\t\tc\n\td\n"),
        (b"x = [1,  2]\nb\n", ["@@", " x = [1, 2]", "-b", "+c"], b"x = [1,  2]\nc\n"),
        # Line endings and encodings
        (b"a\r\nb\r\nc\r\n", ["@@", " a", "-b", "+x", "+y"], b"a\r\nx\r\ny\r\nc\r\n"),
        (b"a\r\nb\nc\n", ["@@", "-a", "+x"], b"x\r\nb\nc\n"),
        (b"a\rb\r", ["@@", "-b", "+c", "+d"], b"a\rc\rd\r"),
        (b"\xef\xbb\xbfa\nb\n", ["@@", "-a", "+x"], b"\xef\xbb\xbfx\nb\n"),
        ("é\nb\n".encode("utf-16"), ["@@", " é", "-b", "+ü"], "é\nü\n".encode("utf-16")),
        ("é\r\nb\r\n".encode("latin-1"), ["@@", " é", "-b", "+ü"], "é\r\nü\r\n".encode("latin-1")),
        ("“b”\n".encode("cp1252"), ["@@", "-“b”", "+“c”…"], "“c”…\n".encode("cp1252")),
        ("日\n本\n".encode(), ["@@", "-本", "+ほん"], "日\nほん\n".encode()),
        (b"a\x0cb\nc\n", ["@@", " a\x0cb", "-c", "+d"], b"a\x0cb\nd\n"),
    ],
)  # fmt: skip
async def test_hunks_land_and_everything_else_stays(
    world: World, content: bytes, lines: list[str], expected: bytes | None
) -> None:
    path = world.file("f", content)
    await world.run("ReadFile", file_path="f")

    if expected is None:
        await world.failure("ApplyPatch", patch=_update(*lines))
    else:
        await world.run("ApplyPatch", patch=_update(*lines))

    assert path.read_bytes() == (content if expected is None else expected)


@pytest.mark.parametrize(
    ("content", "lines", "code", "words"),
    [
        (b"a\nb\n", ["@@", "-x", "+y"], "no_match", "f, hunk 1 of 1 (line 3 of the patch): its "),
        (b"", ["@@", "-x", "+y"], "no_match", "the file is empty"),
        (b"a = 1\n", ["@@", "-a = 2", "+y"], "no_match", "1\ta = 1"),
        (b"x\na\nx\n", ["@@", "-x", "+y"], "several_matches", "fits at lines 1, 3."),
        (b" x\na\n  x\n", ["@@", "-x", "+y"], "several_matches", "indentation aside, fits at"),
        (b"a\nb\n", ["@@ nowhere", "-b", "+y"], "no_match", "there is no line 'nowhere'"),
        (b"a\nb\n", ["-a", "+y", "*** End of File"], "no_match", "not at the end of the file"),
        (b"a\nb\n", ["-a", "-b", "+y", "@@", " b", "+z"], "overlap", "two hunks change the same"),
        (b"a\n", ["@@", "-a", "+a"], "no_change", "what goes and what comes is the same"),
        (b"a\0\n", ["@@", "-a", "+b"], "binary", "a patch is for text"),
        (b"\xe9\n\xe8\n", ["@@", " \u00e9", "+日"], "unencodable", "f: The file is latin-1"),
        (b"a\nb\n", ["@@", "x"], "bad_patch", "Line 4 of the patch: 'x' has no mark"),
        (b"a\nb\n", ["@@"], "bad_patch", "the hunk has no lines"),
        (b"a\nb\n", [], "bad_patch", "the section of f has no hunk"),
    ],
)
async def test_what_does_not_fit_is_refused_with_file_hunk_and_reason(
    world: World, content: bytes, lines: list[str], code: str, words: str
) -> None:
    path = world.file("f", content)
    world.reads.note("f", world.workspace.read("f").digest)

    failure, message = await world.failure("ApplyPatch", patch=_update(*lines))

    assert (failure, path.read_bytes()) == (code, content)
    assert words in message


@pytest.mark.parametrize(
    ("patch", "words"),
    [
        ("", "does not begin with"),
        ("diff --git a/f b/f", "does not begin with the line '*** Begin Patch'"),
        ("--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b", "A unified diff has to be put into that form"),
        ("*** Begin Patch\n*** Add File: g\n+x\n", "may have been cut off"),
        ("*** Begin Patch\n*** End Patch", "names no file"),
        (_patch("*** Add File: "), "Line 2 of the patch: '*** Add File:' names no path"),
        (_patch("*** Add File: g", "x"), "begin with '+'"),
        (_patch("*** Rename File: g"), "is none of"),
        (_patch("*** Add File: g", "+x") + "\nmore", "Line 5 of the patch follows"),
        (_patch("*** Add File: g", "+x", "*** Delete File: g"), "two sections that disagree"),
        (_patch("*** Add File: g", "+x", "*** Add File: ./g", "+y"), "Two sections"),
        (_patch(*(f"*** Add File: {n}" for n in range(101))), "at most 100 go at once"),
    ],
)
async def test_what_is_no_patch_is_refused_with_the_line(
    world: World, patch: str, words: str
) -> None:
    with pytest.raises(ToolFailure) as caught:
        await world.run("ApplyPatch", patch=patch)

    assert caught.value.code == "bad_patch"
    assert words in caught.value.message
    assert _tree(world.root) == {}


@pytest.mark.parametrize(
    "around",
    [
        "{}\n",
        "\n{}",
        "```\n{}\n```",
        "```patch\n{}\n```\n",
        "apply_patch <<'EOF'\n{}\nEOF\n",
        "apply_patch << EOF\n{}\nEOF",
    ],
)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
async def test_what_models_put_around_a_patch_does_not_matter(
    world: World, around: str, ending: str
) -> None:
    patch = around.format(_patch("*** Add File: g", "+x", "+")).replace("\n", ending)
    await world.run("ApplyPatch", patch=patch)

    assert _tree(world.root) == {"g": b"x\n\n"}


@covers("R-FILE-12")
async def test_several_files_change_as_one_and_the_result_tells_each(world: World) -> None:
    world.file("a.txt", "one\ntwo\n")
    world.file("old/b.txt", "x\ny\n")
    world.file("gone.txt", "bye\n")

    outcome = await world.run(
        "ApplyPatch",
        patch=_patch(
            *("*** Update File: a.txt", "@@", " one", "-two", "+2"),
            *("*** Add File: new/deep/c.txt", "+c", "\\ No newline at end of file"),
            *("*** Update File: old/b.txt", "*** Move to: moved/b.txt", "@@", "-x", "+z"),
            "*** Delete File: gone.txt",
        ),
    )

    assert _tree(world.root) == {
        "a.txt": b"one\n2\n",
        "new/deep/c.txt": b"c",
        "moved/b.txt": b"z\ny\n",
    }
    assert outcome == ToolOutcome(
        "Applied the patch to 4 files:\n"
        "modified a.txt: 1 line added, 1 removed\n"
        "created new/deep/c.txt: 1 line added, 0 removed\n"
        "moved old/b.txt to moved/b.txt: 1 line added, 1 removed\n"
        "deleted gone.txt: 0 lines added, 1 removed",
        metadata=ResultMetadata(
            changes=(
                FileChange("a.txt", "modified", 1, 1),
                FileChange("new/deep/c.txt", "created", 1, 0),
                FileChange("moved/b.txt", "moved", 1, 1),
                FileChange("gone.txt", "deleted", 0, 1),
            ),
            diff=(
                "--- a.txt\n+++ a.txt\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n"
                "--- /dev/null\n+++ new/deep/c.txt\n@@ -0,0 +1 @@\n+c\n"
                "\\ No newline at end of file\n"
                "--- old/b.txt\n+++ moved/b.txt\n@@ -1,2 +1,2 @@\n-x\n+z\n y\n"
                "--- gone.txt\n+++ /dev/null\n@@ -1 +0,0 @@\n-bye\n"
            ),
        ),
    )


@covers("R-FILE-12")
@pytest.mark.parametrize(
    "section",
    [
        ("*** Update File: b", "@@", "-nowhere", "+x"),
        ("*** Update File: missing", "@@", "-b", "+x"),
        ("*** Update File: folder", "@@", "-b", "+x"),
        ("*** Update File: ../b", "@@", "-b", "+x"),
        ("*** Add File: b", "+x"),
        ("*** Add File: folder", "+x"),
        ("*** Add File: b/below", "+x"),
        ("*** Add File: /etc/passwd-not", "+x"),
        ("*** Delete File: missing",),
        ("*** Delete File: link",),
        ("*** Update File: b", "*** Move to: a"),
        ("*** Update File: link", "*** Move to: c"),
        ("*** Update File: b", "*** Move to: ../c"),
    ],
)
async def test_where_one_section_can_not_be_made_none_is(
    world: World, section: tuple[str, ...]
) -> None:
    world.file("a", "a\n")
    world.file("b", "b\n")
    world.file("folder/c", "c\n")
    (world.root / "link").symlink_to("b")
    before = _tree(world.root)

    await world.failure(
        "ApplyPatch",
        patch=_patch("*** Update File: a", "@@", "-a", "+x", "*** Add File: n", *section),
    )

    assert _tree(world.root) == before


async def test_every_file_that_fails_is_named_at_once(world: World) -> None:
    world.file("a", "a\n")
    world.file("b", "b\n")

    _, message = await world.failure(
        "ApplyPatch",
        patch=_patch("*** Update File: a", "-x", "+y", "*** Update File: b", "-x", "+y"),
    )

    assert message.startswith("Nothing was changed, in any file.\na, hunk 1 of 1 (line 3 of")
    assert "\nb, hunk 1 of 1 (line 6 of" in message


async def test_a_disk_that_refuses_in_the_middle_leaves_all_as_it_was(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.file("a", "a\n").chmod(0o640)
    world.file("b", "b\n")
    world.file("gone", "bye\n").chmod(0o600)
    before = _tree(world.root)
    rename, count = os.rename, 0

    def refusing(*arguments: str, **handles: int) -> None:
        nonlocal count
        count += 1
        if count == 3:
            raise OSError(28, "No space left on device")
        rename(*arguments, **handles)

    monkeypatch.setattr(os, "rename", refusing)
    code, message = await world.failure(
        "ApplyPatch",
        patch=_patch(
            *("*** Update File: a", "-a", "+x", "*** Delete File: gone"),
            *("*** Add File: new/deep", "+n", "*** Update File: b", "-b", "+y"),
        ),
    )

    assert (code, message) == ("no_space", "b was not written: No space left on device.")
    assert _tree(world.root) == before
    assert sorted(os.listdir(world.root)) == ["a", "b", "gone"]
    assert stat.S_IMODE((world.root / "a").stat().st_mode) == 0o640
    assert stat.S_IMODE((world.root / "gone").stat().st_mode) == 0o600


async def test_context_proves_knowledge_of_a_file_that_was_never_read(world: World) -> None:
    path = world.file("f", "a\nb\n")

    await world.run("ApplyPatch", patch=_update("@@", " a", "-b", "+c"))
    assert path.read_bytes() == b"a\nc\n"

    code, _ = await world.failure("ApplyPatch", patch=_update("@@", "+d"))
    assert code == "not_read"
    code, _ = await world.failure("WriteFile", file_path="f", content="")
    assert (code, path.read_bytes()) == ("not_read", b"a\nc\n")


@covers("R-FILE-2")
@pytest.mark.parametrize(
    "lines",
    [
        ("*** Update File: f", "@@", "-b", "+c"),
        ("*** Delete File: f",),
        ("*** Update File: f", "*** Move to: g"),
    ],
)
async def test_a_file_that_changed_since_it_was_read_is_left_alone(
    world: World, lines: tuple[str, ...]
) -> None:
    path = world.file("f", "a\nb\n")
    await world.run("ReadFile", file_path="f")
    path.write_text("theirs\nb\n")

    code, message = await world.failure("ApplyPatch", patch=_patch(*lines))

    assert (code, path.read_text()) == ("stale", "theirs\nb\n")
    assert "+theirs" in message


async def test_modes_are_kept_also_by_a_move_and_a_binary_file_can_be_moved(world: World) -> None:
    world.file("run.sh", "a\n").chmod(0o750)
    world.file("edit.sh", "a\n").chmod(0o755)
    world.file("image", b"\x89PNG\0\xff").chmod(0o600)

    await world.run(
        "ApplyPatch",
        patch=_patch(
            *("*** Update File: run.sh", "*** Move to: bin/run", "@@", "-a", "+b"),
            *("*** Update File: edit.sh", "@@", "-a", "+b"),
            *("*** Update File: image", "*** Move to: image.png"),
        ),
    )

    modes = {
        name: stat.S_IMODE((world.root / name).stat().st_mode)
        for name in ("bin/run", "edit.sh", "image.png")
    }
    assert modes == {"bin/run": 0o750, "edit.sh": 0o755, "image.png": 0o600}
    assert _tree(world.root)["image.png"] == b"\x89PNG\0\xff"


async def test_a_patch_says_what_can_not_be_parsed_and_where_white_space_differed(
    world: World,
) -> None:
    world.file("a.py", "def f():\n    return 1 \n")

    text = await world.text(
        "ApplyPatch", patch=_patch("*** Update File: a.py", "@@", "-    return 1", "+    return (")
    )

    assert "a.py, line 2: white space at line ends differed" in text
    assert "syntax, line 2: '(' was never closed." in text


async def test_eight_changes_of_one_file_at_once_all_land_or_say_why(world: World) -> None:
    path = world.file("f", "".join(f"line {n}\n" for n in range(8)))
    await world.run("ReadFile", file_path="f")

    async def one(number: int) -> ToolOutcome:
        old, new = f"line {number}", f"new {number}"
        if number % 2:
            return await world.run("Edit", file_path="f", old_string=old, new_string=new)
        return await world.run("ApplyPatch", patch=_update("@@", f"-{old}", f"+{new}"))

    ends = await asyncio.gather(*map(one, range(8)), return_exceptions=True)

    landed = [number for number, end in enumerate(ends) if isinstance(end, ToolOutcome)]
    assert all(isinstance(end, ToolOutcome | ToolFailure) for end in ends)
    assert path.read_text() == "".join(
        f"new {n}\n" if n in landed else f"line {n}\n" for n in range(8)
    )
    assert landed == list(range(8))


_LINE = st.sampled_from(["", "a", "b", "  a", "\ta", "é", "x y"])
_MARKED = st.tuples(st.sampled_from(" -+"), _LINE).map("".join)


@covers("R-FILE-12")
@settings(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    files=st.lists(st.lists(_LINE, max_size=6), min_size=2, max_size=3),
    hunks=st.lists(st.lists(_MARKED, min_size=1, max_size=4), min_size=2, max_size=3),
)
async def test_a_patch_applies_whole_or_leaves_all(
    world: World, files: list[list[str]], hunks: list[list[str]]
) -> None:
    for number, lines in enumerate(files):
        world.file(f"f{number}", "".join(f"{line}\n" for line in lines))
        world.reads.note(f"f{number}", world.workspace.read(f"f{number}").digest)
    before = _tree(world.root)
    pairs = list(zip(range(len(files)), hunks, strict=False))
    patch = _patch(
        *(text for n, lines in pairs for text in (f"*** Update File: f{n}", "@@", *lines))
    )

    try:
        await world.run("ApplyPatch", patch=patch)
    except ToolFailure:
        assert _tree(world.root) == before
        return

    after = _tree(world.root)
    assert all(after[f"f{n}"] != before[f"f{n}"] for n, _ in pairs)
    for n, lines in pairs:
        come = sum(line[0] == "+" for line in lines)
        gone = sum(line[0] == "-" for line in lines)
        assert after[f"f{n}"].count(b"\n") == before[f"f{n}"].count(b"\n") + come - gone


_PIECE = st.one_of(
    st.sampled_from(
        ["*** Begin Patch", "*** End Patch", "*** Add File: a", "*** Update File: a", "@@", "@@ x",
         "*** Delete File: b", "*** Move to: c", "*** End of File", "+x", "-x", " x", "", "```",
         "\\ No newline at end of file", "@@ -1,2 +3,4 @@ f", "*** Update File:", "+\r", "\ud800"]
    ),
    st.text(max_size=12),
)  # fmt: skip


@settings(max_examples=examples(400), deadline=None)
@given(pieces=st.lists(_PIECE, max_size=14), whole=st.booleans())
def test_whatever_the_parser_is_given_it_reads_or_refuses(
    pieces: list[str], *, whole: bool
) -> None:
    text = "\n".join(("*** Begin Patch", *pieces, "*** End Patch") if whole else pieces)

    with suppress(ToolFailure):
        assert parsed(text)
