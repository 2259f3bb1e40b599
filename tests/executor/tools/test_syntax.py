"""What a change tells of the file's syntax: right where it says something, silent elsewhere."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.executor.tools.world import World
from tests.requirements import covers

PYTHON = f"Python {sys.version_info.major}.{sys.version_info.minor}"
MENDABLE = "The file is written as you asked; mend it if that was not meant."

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="needs node")


async def _note(world: World, name: str, content: str) -> str:
    """What the result of writing `content` says after its first line."""
    return (await world.text("WriteFile", file_path=name, content=content)).partition("\n")[2]


@covers("R-FILE-10")
@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.py", "x = (1,\n", f"{PYTHON} syntax, line 1: '(' was never closed"),
        ("a.py", "def f():\nx\n", f"{PYTHON} syntax, line 2: expected an indented block"),
        ("a.py", "\n  x = 1\n", f"{PYTHON} syntax, line 2: unexpected indent"),
        ("a.py", "return 1\n", f"{PYTHON} syntax, line 1: 'return' outside function"),
        ("a.pyi", "def f(a, a): ...\n", f"{PYTHON} syntax, line 1: duplicate argument 'a'"),
        ("a.py", "# coding: nonsense\n", f"{PYTHON} syntax, unknown encoding: nonsense"),
        ("a.py", "x\0 = 1\n", f"{PYTHON} syntax, source code string cannot contain null bytes"),
        ("a.json", '{\n"a": 1,\n}\n', "JSON syntax, line 3: "),
        ("a.json", "", "JSON syntax, line 1: Expecting value"),
        ("a.ipynb", "{", "JSON syntax, line 1: "),
        ("a.toml", "a = \n", "TOML syntax, Invalid value (at line 1, column 5)"),
        ("a.toml", "[a]\n[a]\n", "TOML syntax, Cannot declare ('a',) twice"),
        ("a.yaml", "a: [1\nb: 2\n", "YAML syntax, line 2: did not find expected"),
        ("a.yml", "a:\n\t- b\n", "YAML syntax, line 2: found character that cannot start"),
        ("a.YML", "a: b: c\n", "YAML syntax, line 1: mapping values are not allowed"),
        pytest.param("a.js", "f(\n", "JavaScript syntax, line 2: ", marks=needs_node),
        pytest.param("a.mjs", "\nlet a = ;\n", "JavaScript syntax, line 2: ", marks=needs_node),
        pytest.param("b/c.cjs", "let a\nlet a\n", "JavaScript syntax, line 2: ", marks=needs_node),
    ],
)
async def test_what_a_parser_finds_wrong_is_told_and_the_file_is_written(
    world: World, name: str, content: str, said: str
) -> None:
    note = await _note(world, name, content)

    assert note.startswith(f"[{said}")
    assert note.endswith(f". {MENDABLE}]")
    assert (world.root / name).read_text() == content


@pytest.mark.parametrize(
    ("name", "content", "language"),
    [
        ("a.py", "x = 1\n", PYTHON),
        ("a.py", "", PYTHON),
        ("a.py", "if 1 is 1: '\\d'\n", PYTHON),
        ("a.py", "\ufeff# coding: utf-8\n'é'\n", PYTHON),
        ("a.json", '{"a": ' + "9" * 5000 + "}", "JSON"),
        ("a.toml", "a = 1\n", "TOML"),
        ("a.yaml", "--- a\n--- !strange &x {b: *x}\n", "YAML"),
        ("a.yaml", "a: &a [1]\nb: &b [*a, *a, *a]\nc: [*b, *b, *b]\n", "YAML"),
        pytest.param("a.js", "let a = 1;\n", "JavaScript", marks=needs_node),
        pytest.param("a b'.mjs", "export const a = 1\n", "JavaScript", marks=needs_node),
    ],
)
async def test_what_can_be_parsed_is_said_to_be(
    world: World, name: str, content: str, language: str
) -> None:
    assert await _note(world, name, content) == f"[{language} syntax: no errors]"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", "x = ("),
        ("Makefile", "x = ("),
        ("py", "x = ("),
        ("a.jsonc", "{"),
        ("tsconfig.build.json", "{ // comment\n}"),
        ("chart/a.yaml", "a: {{ .Values.a }}\n"),
        ("a.py", "x = (" * 60_000),
        ("a.py", "-" * 200_000 + "1"),
        ("a.py", "a" + ".b" * 100_000),
        ("a.json", "[" * 100_000),
        ("a.toml", "a = " + "[" * 100_000),
        ("a.ts", "let a: = 1"),
    ],
)
async def test_nothing_is_said_of_what_can_not_be_judged(
    world: World, name: str, content: str
) -> None:
    assert await _note(world, name, content) == ""


async def test_an_error_that_was_there_before_is_said_to_be_old(world: World) -> None:
    world.file("a.py", "print 'x'\n")
    await world.run("ReadFile", file_path="a.py")

    note = (
        await world.text("Edit", file_path="a.py", old_string="'x'", new_string="'y'")
    ).partition("\n")[2]

    assert note.startswith(f"[{PYTHON} syntax, line 1: Missing parentheses")
    assert note.endswith(f"{MENDABLE} It could not be parsed before either.]")


async def test_an_error_that_a_change_brings_is_not_said_to_be_old(world: World) -> None:
    world.file("a.py", "print('x')\n")
    await world.run("ReadFile", file_path="a.py")

    text = await world.text("Edit", file_path="a.py", old_string="('x')", new_string="('x'")

    assert text.endswith(f"'(' was never closed. {MENDABLE}]")


async def test_no_code_of_the_file_is_run(world: World) -> None:
    await world.run("WriteFile", file_path="a.py", content="open('made-py', 'w')\n")
    await world.run("WriteFile", file_path="sitecustomize.py", content="open('made-site', 'w')\n")
    await world.run(
        "WriteFile", file_path="a.yaml", content="!!python/object/apply:os.mkdir [made-yaml]\n"
    )
    await world.run("WriteFile", file_path="a.js", content="require('fs').mkdirSync('made-js')\n")

    assert not [name for name in os.listdir(world.root) if name.startswith("made")]


async def test_a_node_of_the_project_is_never_asked(tmp_path: Path) -> None:
    project = tmp_path / "project"
    world = World(tmp_path, {"PATH": str(project / "bin")})
    world.file("bin/node", "#!/bin/sh\ntouch made\n").chmod(0o755)

    assert await _note(world, "a.js", "let a = 1\n") == ""
    assert not (project / "made").exists()
    await world.close()
