"""`ReadFolder`: what the tree shows, leaves out, and bounds."""

import os

import pytest

from tests.executor.tools.world import World

FIRST_LEVEL = (
    "[the list was cut: only the first level is shown, of more than 1,000 entries; list a folder "
    "of it, or less depth]"
)


async def test_the_tree_shows_names_and_sizes(world: World) -> None:
    world.file("src/a.py", "x" * 10)
    world.file("src/deep/b.py", "x" * 2048)
    world.file("README", "x" * 1_500_000)
    (world.root / "link").symlink_to("README")
    os.mkfifo(world.root / "pipe")

    assert await world.text("ReadFolder", dir_path=".", depth=3) == (
        "./\n"
        "  README  1.4 MiB\n"
        "  link  (link)\n"
        "  pipe  (other)\n"
        "  src/\n"
        "    a.py  10 B\n"
        "    deep/\n"
        "      b.py  2.0 KiB"
    )


async def test_depth_bounds_the_tree(world: World) -> None:
    world.file("a/b/c/d")

    assert await world.text("ReadFolder", dir_path=".", depth=2) == "./\n  a/\n    b/"
    assert await world.text("ReadFolder", dir_path="a/b") == "a/b/\n  c/\n    d  0 B"


async def test_what_git_ignores_is_left_out(world: World) -> None:
    world.file(".gitignore", "*.log\nbuild/\n")
    world.file(".git/HEAD")
    world.file("a.log")
    world.file("build/x")
    world.file("sub/.gitignore", "!keep.log\nsecret\n")
    world.file("sub/keep.log")
    world.file("sub/secret")

    assert await world.text("ReadFolder", dir_path=".") == (
        "./\n  .gitignore  13 B\n  sub/\n    .gitignore  17 B\n    keep.log  0 B"
    )
    assert await world.text("ReadFolder", dir_path="sub") == (
        "sub/\n  .gitignore  17 B\n  keep.log  0 B"
    )


async def test_an_empty_folder_is_said(world: World) -> None:
    assert await world.text("ReadFolder", dir_path=".") == (
        "./\n[the folder is empty, or git ignores all that it holds]"
    )


async def test_a_long_list_is_cut_and_says_so(world: World) -> None:
    for number in range(1100):
        world.file(f"f{number:04}")

    outcome = await world.run("ReadFolder", dir_path=".")

    assert len(outcome.text.splitlines()) == 1002
    assert outcome.text.endswith(
        "[the list was cut: more than 1,000 entries; list a folder of it, or less depth]"
    )
    assert outcome.metadata.truncated


async def test_links_are_not_entered(world: World) -> None:
    (world.outside / "secret").write_text("")
    world.file("a/f")
    (world.root / "a/loop").symlink_to("..")
    (world.root / "out").symlink_to(world.outside)

    assert await world.text("ReadFolder", dir_path=".", depth=10) == (
        "./\n  a/\n    f  0 B\n    loop  (link)\n  out  (link)"
    )


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("missing", "not_found"),
        ("f", "not_a_folder"),
        ("..", "outside_workspace"),
        ("/", "outside_workspace"),
        ("out", "outside_workspace"),
    ],
)
async def test_what_can_not_be_listed_is_refused(world: World, path: str, code: str) -> None:
    world.file("f")
    (world.root / "out").symlink_to(world.outside)

    assert (await world.failure("ReadFolder", dir_path=path))[0] == code


async def test_odd_names_stay_on_one_line(world: World) -> None:
    (world.root / os.fsdecode(b"a\nb")).touch()
    (world.root / os.fsdecode(b"caf\xe9")).touch()

    assert await world.text("ReadFolder", dir_path=".") == "./\n  a\\x0ab  0 B\n  caf\\xe9  0 B"


@pytest.mark.parametrize(
    ("ignored", "files", "listed"),
    [
        ("", ("a",), ["a"]),
        ("a", ("a", "b"), ["b"]),
        ("*.pyc", ("a.pyc", "a.py"), ["a.py"]),
        ("*.pyc\n!keep.pyc", ("a.pyc", "keep.pyc"), ["keep.pyc"]),
        ("/top", ("top", "x/top"), ["x/", "top"]),
        ("x/top", ("top", "x/top"), ["top", "x/"]),
        ("x/*\n!x/keep", ("x/keep", "x/drop"), ["x/", "keep"]),
        ("node_modules", ("node_modules/a/b.js", "src/a.js"), ["src/", "a.js"]),
        ("node_modules/", ("x/node_modules/a", "node_modules"), ["node_modules", "x/"]),
        ("**/out", ("a/out/f", "a/b/out", "a/f"), ["a/", "b/", "f"]),
        ("a/**/z", ("a/z", "a/b/z", "a/b/y"), ["a/", "b/", "y"]),
        ("a/**", ("a/b", "c"), ["a/", "c"]),
        ("# a comment", ("a",), ["a"]),
        ("\\#hash", ("#hash", "a"), ["a"]),
        ("\\!bang", ("!bang", "a"), ["a"]),
        ("trailing ", ("trailing", "a"), ["a"]),
        ("?.txt", ("a.txt", "ab.txt"), ["ab.txt"]),
        ("[ab].txt", ("a.txt", "c.txt"), ["c.txt"]),
        ("[!a].txt", ("a.txt", "c.txt"), ["a.txt"]),
        ("*\n!*.md", ("a.py", "b.md"), ["b.md"]),
        ("dir", ("dir/f", "a"), ["a"]),
        ("dir/", ("dir/f", "a"), ["a"]),
        ("*.log\nlogs/", ("logs/a", "b.log", "c"), ["c"]),
        ("é", ("é", "e"), ["e"]),
        ("", ("ä ö.txt",), ["ä ö.txt"]),
        ("", (".env.example",), [".env.example"]),
        ("", ("a/b/c/d",), ["a/", "b/", "c/", "d"]),
        ("", ("b", "a", "C"), ["C", "a", "b"]),
        ("", ("z/f", "a"), ["a", "z/", "f"]),
        ("", ("-rf", "--help"), ["--help", "-rf"]),
        ("", ("a\tb",), ["a\\x09b"]),
        ("", ("a\nb",), ["a\\x0ab"]),
        ("", ("$(touch x)", "`y`"), ["$(touch x)", "`y`"]),
        ("", ("[x]", "{a,b}"), ["[x]", "{a,b}"]),
        ("", ("a/.gitkeep",), ["a/", ".gitkeep"]),
        ("", (".git/config", "a"), ["a"]),
        ("", ("sub/.git/config", "sub/a"), ["sub/", "a"]),
        ("__pycache__/", ("a/__pycache__/x.pyc", "a/x.py"), ["a/", "x.py"]),
        ("/dist/\n!/dist/keep", ("dist/keep", "a"), ["a"]),
        ("dist/*\n!dist/keep", ("dist/keep", "dist/x", "a"), ["a", "dist/", "keep"]),
        ("*.PY", ("a.py", "b.PY"), ["a.py"]),
        ("\\*.py", ("a.py", "*.py"), ["a.py"]),
        ("**/*.min.js", ("a/b.min.js", "a/b.js"), ["a/", "b.js"]),
        ("*.txt  ", ("a.txt", "b"), ["b"]),
        ("Thumbs.db\n.DS_Store", ("x/.DS_Store", "Thumbs.db", "a"), ["a", "x/"]),
    ],
)
async def test_what_is_listed_of_a_project(
    world: World, ignored: str, files: tuple[str, ...], listed: list[str]
) -> None:
    (world.root / ".git").mkdir()
    (world.root / ".git" / "info").mkdir()
    (world.root / ".git" / "info" / "exclude").write_text(f"{ignored}\n")
    for name in files:
        world.file(name)

    _, *rows = (await world.text("ReadFolder", dir_path=".", depth=9)).splitlines()

    assert sorted(row.strip().removesuffix("  0 B") for row in rows) == sorted(listed)


async def test_a_file_is_said_to_be_one(world: World) -> None:
    world.file("f")

    assert await world.failure("ReadFolder", dir_path="f") == (
        "not_a_folder",
        "f is a file, not a folder.",
    )


async def test_a_large_folder_hides_none_of_those_behind_it(world: World) -> None:
    """By the first list of a session the model knows where to look."""
    for number in range(1200):
        world.file(f"assets/icon{number:04}.svg")
    world.file("assets/zoom/f")
    world.file("src/main.py")

    outcome = await world.run("ReadFolder", dir_path=".")
    rows = outcome.text.splitlines()

    assert rows[:3] == ["./", "  assets/", "    icon0000.svg  0 B"]
    assert rows[-6:] == [
        "    icon0098.svg  0 B",
        "    zoom/",
        "    [about 1,101 more]",
        "  src/",
        "    main.py  0 B",
        "[too much for one list: of large folders a part; list one for the rest]",
    ]
    assert len(rows) == 106
    assert outcome.metadata.truncated


async def test_many_large_folders_are_all_named(world: World) -> None:
    for number in range(2000):
        world.file(f"d{number % 40:02}/f{number:04}")

    rows = (await world.text("ReadFolder", dir_path=".")).splitlines()

    assert [row for row in rows if row.endswith("/")] == [
        "./",
        *(f"  d{number:02}/" for number in range(40)),
    ]
    assert rows.count("    [about 40 more]") == 40


async def test_where_even_that_is_too_much_the_first_level_is_listed(world: World) -> None:
    for number in range(400):
        for name in "abc":
            world.file(f"d{number:03}/{name}")

    rows = (await world.text("ReadFolder", dir_path=".")).splitlines()

    assert rows == ["./", *(f"  d{number:03}/" for number in range(400)), FIRST_LEVEL]
