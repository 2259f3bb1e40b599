"""`Glob`: which files match, in which order, within which bounds."""

import asyncio
import os

import pytest

from tests.executor.tools.world import World

FILES = (
    "a.py",
    "b.txt",
    ".hidden.py",
    "src/c.py",
    "src/test_d.py",
    "src/deep/e.py",
    "src/deep/f.ts",
    "src/[x].py",
    "docs/g.md",
)


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("*.py", ".", {"a.py", ".hidden.py"}),
        ("**/*.py", ".", {f for f in FILES if f.endswith(".py")}),
        ("**", ".", set(FILES)),
        ("src/*.py", ".", {"src/c.py", "src/test_d.py", "src/[x].py"}),
        ("src/**", ".", {f for f in FILES if f.startswith("src/")}),
        ("src/**/*.py", ".", {"src/c.py", "src/test_d.py", "src/[x].py", "src/deep/e.py"}),
        ("**/test_*", ".", {"src/test_d.py"}),
        ("**/deep/**", ".", {"src/deep/e.py", "src/deep/f.ts"}),
        ("*.{py,txt}", ".", {"a.py", "b.txt", ".hidden.py"}),
        ("{src,docs}/{c,g}.{py,md}", ".", {"src/c.py", "docs/g.md"}),
        ("{a,{b,src/c}}.{py,txt}", ".", {"a.py", "b.txt", "src/c.py"}),
        ("?.py", ".", {"a.py"}),
        ("[ab].*", ".", {"a.py", "b.txt"}),
        ("[!a].*", ".", {"b.txt"}),
        ("[a-b].[pt]*", ".", {"a.py", "b.txt"}),
        ("src/\\[x\\].py", ".", {"src/[x].py"}),
        ("src/[[]x].py", ".", {"src/[x].py"}),
        ("*.py", "src", {"src/c.py", "src/test_d.py", "src/[x].py"}),
        ("./a.py", ".", {"a.py"}),
        ("deep/*", "src", {"src/deep/e.py", "src/deep/f.ts"}),
        ("A.PY", ".", set[str]()),
        ("*", ".", {"a.py", "b.txt", ".hidden.py"}),
        ("**/*", ".", set(FILES)),
        ("*/*", ".", {"src/c.py", "src/test_d.py", "src/[x].py", "docs/g.md"}),
        ("*/*/*", ".", {"src/deep/e.py", "src/deep/f.ts"}),
        ("**/**/*.ts", ".", {"src/deep/f.ts"}),
        ("src/**/f.*", ".", {"src/deep/f.ts"}),
        ("**/src/c.py", ".", {"src/c.py"}),
        ("src", ".", set[str]()),
        ("*.{ts,md}", ".", set[str]()),
        ("**/*.{ts,md}", ".", {"src/deep/f.ts", "docs/g.md"}),
        ("**/[a-c].*", ".", {"a.py", "b.txt", "src/c.py"}),
        ("**/?.py", ".", {"a.py", "src/c.py", "src/deep/e.py"}),
        ("**/[[]*", ".", {"src/[x].py"}),
        ("src/deep/*.t?", ".", {"src/deep/f.ts"}),
        (".*", ".", {".hidden.py"}),
        ("**/.*", ".", {".hidden.py"}),
        ("{a,b}.{py,txt}", ".", {"a.py", "b.txt"}),
        ("**/{e,f}.*", ".", {"src/deep/e.py", "src/deep/f.ts"}),
        ("s*/d*/*", ".", {"src/deep/e.py", "src/deep/f.ts"}),
        ("docs/g.md", ".", {"docs/g.md"}),
        ("*", "docs", {"docs/g.md"}),
    ],
)
async def test_a_pattern_finds_its_files(
    world: World, pattern: str, path: str, expected: set[str]
) -> None:
    for name in FILES:
        world.file(name)

    rows = (await world.text("Glob", pattern=pattern, path=path)).splitlines()

    assert {row for row in rows if not row.startswith("[no file")} == expected


async def test_recently_changed_files_come_first(world: World) -> None:
    for age, name in enumerate(("new", "older", "oldest")):
        path = world.file(name)
        os.utime(path, (1_000_000 - age, 1_000_000 - age))

    assert await world.text("Glob", pattern="*") == "new\nolder\noldest"


async def test_what_git_ignores_is_left_out(world: World) -> None:
    world.file(".gitignore", "out/\n")
    world.file("out/a.py")
    world.file("b.py")

    assert await world.text("Glob", pattern="**/*.py") == "b.py"


async def test_a_pattern_for_names_says_what_the_folders_below_hold(world: World) -> None:
    world.file("src/a.py")

    assert await world.text("Glob", pattern="*.py") == (
        "[no file matches *.py here; **/*.py matches 1]"
    )


async def test_many_matches_are_cut_and_said(world: World) -> None:
    for number in range(520):
        world.file(f"f{number}")

    outcome = await world.run("Glob", pattern="*")

    assert outcome.text.splitlines()[-1] == (
        "[20 more files match; use a narrower pattern, or offset=500]"
    )
    assert outcome.metadata.truncated
    rest = await world.run("Glob", pattern="*", offset=500)
    assert not set(rest.text.splitlines()) & set(outcome.text.splitlines())
    assert (len(rest.text.splitlines()), rest.metadata.truncated) == (20, False)
    assert await world.text("Glob", pattern="*", offset=520) == "[only 520 files match]"


@pytest.mark.parametrize("pattern", ["../*", "/etc/*", "a/../../*", "{a,b}" * 12])
async def test_a_pattern_that_leads_out_or_explodes_is_refused(world: World, pattern: str) -> None:
    assert (await world.failure("Glob", pattern=pattern))[0] == "invalid_parameters"


async def test_an_absolute_pattern_beneath_the_root_is_understood(world: World) -> None:
    world.file("src/a.py")

    assert await world.text("Glob", pattern=f"{world.root}/src/*.py") == "src/a.py"


async def test_a_hostile_pattern_ends_soon(world: World) -> None:
    world.file("a" * 200)
    world.file("/".join("a" * 30))

    async with asyncio.timeout(20):
        await world.text("Glob", pattern="*a" * 60 + "b")
        await world.text("Glob", pattern="**/a/" * 20 + "b")
