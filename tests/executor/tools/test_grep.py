"""`Grep`: what matches, how it is shown, and how it ends."""

import asyncio
import os
import time
from pathlib import Path

import pytest

from executor.process.processes import Processes
from executor.process.survivors import marked
from tests.executor.process.polling import until
from tests.executor.tools.world import MARK, World
from tests.requirements import covers


async def _project(world: World) -> None:
    contents = {
        "a.py": "import os\nx = 1\n\ndef main():\n    return X\n",
        "src/b.py": "x = 2\n",
        "src/c.txt": "X marks\nthe spot\n",
        "latin.txt": "caf\xe9\n".encode("latin-1"),
        "windows.txt": "one\r\nx two\r\n",
        "image.png": b"\x89PNG\r\n\x1a\n\0x = 1\n",
        ".gitignore": "ignored\n",
        "ignored": "x = 3\n",
        ".env": "x = synthetic\n",
        "keys/server.pem": "x = synthetic\n",
        "-dash": "x = 4\n",
    }
    for age, (name, content) in enumerate(contents.items()):
        path = world.file(name, content)
        os.utime(path, (2_000_000_000 - age, 2_000_000_000 - age))


NO_FILE = (
    "[nothing matches: path, glob and type leave no file to search; what git ignores is searched "
    "only where path names it]"
)
ONE_LINE = "[nothing matches: each line is searched by itself; multiline looks across line ends]"
TEXTS = "src/c.txt:1:X marks\nlatin.txt:1:caf\u00e9\nwindows.txt:2:x two"
RETURN = "a.py:4:def main():\na.py:5:    return X"
SPOT = "src/c.txt:1:X marks\nsrc/c.txt:2:the spot"
RETURN_WITH_ALL = "a.py-1-import os\na.py-2-x = 1\na.py-3-\na.py-4-def main():\na.py:5:    return X"
MORE = (
    "[not all: rows 1 to 1 are shown, there may be more; narrow the search, or go on with offset=1]"
)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"pattern": "x = "}, "a.py:2:x = 1\nsrc/b.py:1:x = 2\n-dash:1:x = 4"),
        ({"pattern": "^x = \\d$"}, "a.py:2:x = 1\nsrc/b.py:1:x = 2\n-dash:1:x = 4"),
        ({"pattern": "X", "path": "src"}, "src/c.txt:1:X marks"),
        (
            {"pattern": "x", "path": "src", "ignore_case": True},
            "src/b.py:1:x = 2\nsrc/c.txt:1:X marks",
        ),
        ({"pattern": "x", "glob": "*.py"}, "a.py:2:x = 1\nsrc/b.py:1:x = 2"),
        ({"pattern": "x", "glob": "src/*"}, "src/b.py:1:x = 2"),
        ({"pattern": "x =", "glob": "*.{txt,py}"}, "a.py:2:x = 1\nsrc/b.py:1:x = 2"),
        ({"pattern": "x = 1", "context": 1}, "a.py-1-import os\na.py:2:x = 1\na.py-3-"),
        ({"pattern": "os|main", "context": 0}, "a.py:1:import os\na.py:4:def main():"),
        (
            {"pattern": "os|main", "context": 1},
            "a.py:1:import os\na.py-2-x = 1\na.py-3-\na.py:4:def main():\na.py-5-    return X",
        ),
        ({"pattern": "x = ", "output": "files"}, "a.py\nsrc/b.py\n-dash"),
        ({"pattern": "[xX]", "path": "a.py", "output": "count"}, "a.py:2"),
        ({"pattern": "café"}, "latin.txt:1:café"),
        ({"pattern": "two$"}, "windows.txt:2:x two"),
        ({"pattern": "x = 3", "path": "ignored"}, "ignored:1:x = 3"),
        ({"pattern": "x = 4", "path": "-dash"}, "-dash:1:x = 4"),
        ({"pattern": "-dash"}, "[nothing matches]"),
        ({"pattern": "--help"}, "[nothing matches]"),
        ({"pattern": "nowhere"}, "[nothing matches]"),
        ({"pattern": "return\\s+X"}, "a.py:5:    return X"),
        ({"pattern": "PNG"}, "[nothing matches]"),
        (
            {"pattern": "os$|X$", "context": 1, "path": "a.py"},
            "a.py:1:import os\na.py-2-x = 1\n--\na.py-4-def main():\na.py:5:    return X",
        ),
        ({"pattern": "x", "type": "py"}, "a.py:2:x = 1\nsrc/b.py:1:x = 2"),
        ({"pattern": "x", "type": "py", "path": "src"}, "src/b.py:1:x = 2"),
        ({"pattern": "x", "type": "py", "glob": "src/**"}, "src/b.py:1:x = 2"),
        ({"pattern": "x", "type": "py", "glob": "*.txt"}, NO_FILE),
        ({"pattern": "X|x two|\u00e9", "type": "txt"}, TEXTS),
        ({"pattern": "x = 1", "type": "rust"}, NO_FILE),
        ({"pattern": "x = 4", "path": "-dash", "type": "py"}, "-dash:1:x = 4"),
        ({"pattern": "^$"}, "a.py:3:"),
        ({"pattern": "^def (\\w+)\\(\\):$"}, "a.py:4:def main():"),
        ({"pattern": "(?i)x marks"}, "src/c.txt:1:X marks"),
        ({"pattern": "\\bmain\\b", "output": "count"}, "a.py:1"),
        ({"pattern": "main\\(\\):\\n +return", "multiline": True}, RETURN),
        ({"pattern": "marks$\\n^the", "multiline": True, "type": "txt"}, SPOT),
        ({"pattern": "main\\(\\):\\n +return"}, ONE_LINE),
        ({"pattern": "x = (?!1)\\d", "limit": 1}, f"src/b.py:1:x = 2\n{MORE}"),
        ({"pattern": "x = ", "offset": 2}, "-dash:1:x = 4"),
        ({"pattern": "x = ", "offset": 3}, "[there are only 3 rows]"),
        ({"pattern": "x = 3", "path": "."}, "[nothing matches]"),
        ({"pattern": "synthetic"}, "[nothing matches]"),
        ({"pattern": "synthetic", "glob": "*.pem"}, NO_FILE),
        ({"pattern": "synthetic", "path": "keys/server.pem"}, "keys/server.pem:1:x = synthetic"),
        ({"pattern": "x", "glob": "src"}, NO_FILE),
        ({"pattern": "x", "glob": "./src/*.py"}, "src/b.py:1:x = 2"),
        ({"pattern": "return", "context": 20, "path": "a.py"}, RETURN_WITH_ALL),
    ],
)
async def test_a_pattern_finds_its_lines(
    world: World, parameters: dict[str, object], expected: str
) -> None:
    await _project(world)

    assert await world.text("Grep", **parameters) == expected


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"pattern": "("}, "invalid_parameters"),
        ({"pattern": "x", "path": "missing"}, "not_found"),
        ({"pattern": "x", "path": ".."}, "outside_workspace"),
        ({"pattern": "x", "path": "out"}, "outside_workspace"),
        ({"pattern": "x", "glob": "{a,b}" * 12}, "invalid_parameters"),
        ({"pattern": "x", "glob": "[a"}, "invalid_parameters"),
        ({"pattern": "x", "type": "javascript"}, "invalid_parameters"),
    ],
)
async def test_what_can_not_be_searched_is_refused(
    world: World, parameters: dict[str, object], code: str
) -> None:
    (world.root / "out").symlink_to(world.outside)

    assert (await world.failure("Grep", **parameters))[0] == code


async def test_links_are_not_followed(world: World) -> None:
    (world.outside / "secret").write_text("secret\n")
    (world.root / "link").symlink_to(world.outside / "secret")
    (world.root / "folder").symlink_to(world.outside)

    assert await world.text("Grep", pattern="secret") == NO_FILE


async def test_a_pattern_that_never_ends_is_ended(world: World) -> None:
    world.file("a", "found\n")
    os.utime(world.file("b", "a" * 40 + "!\n"), (1, 1))
    started = time.monotonic()

    text = await world.text("Grep", pattern="(a+)+$|found")

    assert time.monotonic() - started < 30
    assert text == (
        "a:1:found\n[not all: the search was stopped after 5 s; narrow it by path or glob]"
    )


async def test_cancelling_ends_the_search_at_once(world: World) -> None:
    world.file("b", "a" * 40 + "!\n")
    task = asyncio.create_task(world.text("Grep", pattern="(a+)+$"))
    await until(lambda: marked(MARK))
    started = time.monotonic()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - started < 4


@covers("R-SEARCH-1")
@pytest.mark.parametrize(
    "parameters",
    [
        {"pattern": "needle"},
        {"pattern": "NEEDLE", "ignore_case": True},
        {"pattern": "(?i)needl[ef]"},
        {"pattern": "need|caf\u00e9"},
        {"pattern": r"^\w+ needle$", "context": 1},
        {"pattern": r"1\d$", "output": "files"},
        {"pattern": "needle|one", "output": "count"},
        {"pattern": "needle", "path": "src", "glob": "*1.txt"},
        {"pattern": "needle", "type": "txt"},
        {"pattern": r"needle\ntwo", "multiline": True},
        {"pattern": "(?<=one )needle"},
        {"pattern": "-e"},
        {"pattern": "needle", "limit": 7},
        {"pattern": "needle", "limit": 7, "offset": 5},
    ],
)
async def test_with_and_without_ripgrep_the_rows_are_the_same(
    world: World, tmp_path: Path, parameters: dict[str, object]
) -> None:
    for number in range(70):
        codec = ("utf-8", "utf-16", "latin-1")[number % 3]
        text = f"caf\u00e9\none {'needle' if number % 4 else '-e'}\ntwo {number}\n"
        path = world.file(f"src/deep{number % 5}/f{number}.txt", text.encode(codec))
        os.utime(path, (2_000_000_000 - number // 2, 2_000_000_000 - number // 2))
    world.file(".env", "one needle\n")
    world.file(".gitignore", "f7*\n")
    world.file("rg", f"#!/bin/sh\ntouch {tmp_path}/ran\n").chmod(0o755)
    with_ripgrep = await world.text("Grep", **parameters)
    await world.processes.close()
    world.processes = Processes("journal-1", {"PATH": str(world.root)})

    assert world.processes.program("rg", world.root) is None
    assert await world.text("Grep", **parameters) == with_ripgrep
    assert "needle" in with_ripgrep or "f" in with_ripgrep
    assert not (tmp_path / "ran").exists()


async def test_a_search_across_lines_shows_each_line_of_the_match(world: World) -> None:
    world.file("a", "one\ntwo\nthree\n\nfour\n")

    assert await world.text("Grep", pattern=r"o\nth.*$", multiline=True) == "a:2:two\na:3:three"
    assert await world.text("Grep", pattern=r"(?s)two.*four", multiline=True, output="count") == (
        "a:4"
    )


async def test_the_rest_of_the_rows_can_be_asked_for(world: World) -> None:
    world.file("a", "".join(f"x{number}\n" for number in range(10)))

    assert await world.text("Grep", pattern="x", limit=2, offset=4) == (
        "a:5:x4\na:6:x5\n[not all: rows 5 to 6 are shown, there may be more; narrow the search, "
        "or go on with offset=6]"
    )
    assert await world.text("Grep", pattern="x", limit=4, offset=8) == "a:9:x8\na:10:x9"
    assert await world.text("Grep", pattern="x", offset=10) == "[there are only 10 rows]"


async def test_many_matches_are_cut_and_said(world: World) -> None:
    world.file("f", "x\n" * 5000)

    outcome = await world.run("Grep", pattern="x")

    assert len(outcome.text.splitlines()) == 1001
    assert outcome.text.endswith(
        "[not all: rows 1 to 1,000 are shown, there may be more; narrow the search, or go on with "
        "offset=1000]"
    )
    assert outcome.metadata.truncated


async def test_a_long_line_is_cut(world: World) -> None:
    world.file("f", "x" * 10_000_000 + "\n")

    text = await world.text("Grep", pattern="x")

    assert text == "f:1:" + "x" * 500 + " [... 9,999,500 more characters]"


async def test_nothing_of_the_project_is_imported_by_the_search(world: World) -> None:
    marker = world.outside / "ran"
    for name in ("re.py", "msgspec.py", "executor/__init__.py", "sitecustomize.py"):
        world.file(name, f"open({str(marker)!r}, 'w')\n")

    await world.text("Grep", pattern="open")

    assert not marker.exists()
