"""The search as a program and as a function: the same hits, in the same order, within its bounds.

`tests/executor/tools/test_grep.py` has what a model sees of it.
"""

import os
import re
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from executor.workspace import Workspace, search
from executor.workspace.search import Found, Hit, Line, Output, Request, Summary

DONE = Summary()


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    texts = {
        "src/a.py": "one\ntwo\nthree\nfour\nfive\n",
        "src/b.txt": "two\nTWO\n",
        ".env": "two=secret\n",
        "image": "two\0\x01",
        "latin": "tw\xf6 two",
    }
    for age, (name, text) in enumerate(texts.items()):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode("latin-1"))
        os.utime(path, (1_000_000 - age, 1_000_000 - age))
    workspace = Workspace(tmp_path)
    yield workspace
    workspace.close()


def request(
    pattern: str,
    path: str = ".",
    *,
    glob: str | None = None,
    context: int = 0,
    output: Output = "files",
    rows_max: int = 100,
    **more: object,
) -> Request:
    made = Request(pattern, path, glob, False, context, output, rows_max, 4.0)
    return msgspec.structs.replace(made, **more)


def found(workspace: Workspace, asked: Request) -> list[Found]:
    return list(search.search(workspace, asked))


def test_files_are_told_newest_first_and_secret_ones_not_at_all(workspace: Workspace) -> None:
    hits = [Hit("src/a.py", 1), Hit("src/b.txt", 1), Hit("latin", 1)]

    assert found(workspace, request("two")) == [*hits, DONE]
    hits[1] = Hit("src/b.txt", 2)
    assert found(workspace, request("two", ignore_case=True)) == [*hits, DONE]
    assert found(workspace, request("two", glob="*.py")) == [hits[0], DONE]
    assert found(workspace, request("two", glob="src/*.txt", output="count"))[1:] == [DONE]
    assert found(workspace, request("absent")) == [DONE]
    assert found(workspace, request("^wo")) == [DONE]


def test_a_file_that_is_named_is_searched_whatever_it_is(workspace: Workspace) -> None:
    assert found(workspace, request("two", ".env")) == [Hit(".env", 1), DONE]
    assert found(workspace, request("two", "image")) == [DONE]
    assert found(workspace, request("t.o", "src/a.py")) == [Hit("src/a.py", 1), DONE]


def test_lines_come_with_their_context_and_each_once(workspace: Workspace) -> None:
    lines = (
        Line(1, is_match=False, text="one"),
        Line(2, is_match=True, text="two"),
        Line(3, is_match=True, text="three"),
        Line(4, is_match=False, text="four"),
    )
    asked = request("^t", "src/a.py", output="lines", context=1)

    assert found(workspace, asked) == [Hit("src/a.py", 2, lines), DONE]


def test_a_match_across_lines_is_told_as_all_of_its_lines(workspace: Workspace) -> None:
    asked = request("one\ntwo|four$", "src/a.py", output="lines", multiline=True)
    hit = found(workspace, asked)[0]

    assert isinstance(hit, Hit)
    assert [(line.number, line.is_match) for line in hit.lines] == [(1, True), (2, True), (4, True)]
    everywhere = found(workspace, request("", "src/b.txt", output="lines", multiline=True))[0]
    assert isinstance(everywhere, Hit)
    assert everywhere.count == 2


def test_no_more_rows_are_told_than_were_asked_for(workspace: Workspace) -> None:
    assert found(workspace, request("two", rows_max=1)) == [
        Hit("src/a.py", 1),
        Summary(cut="1 rows are shown"),
    ]


@pytest.mark.parametrize(
    ("pattern", "path", "glob", "problem"),
    [
        ("(", ".", None, "The pattern is no regular expression: missing ), unterminated"),
        ("(" * 5000 + ")" * 5000, ".", None, "The pattern is too large or nested too deeply."),
        ("a{99999999999}", ".", None, "The pattern is too large or nested too deeply."),
        ("a", ".", "[z", "The glob can't be read: the '[' in '[z' is never closed."),
        ("a", "../x", None, "the path leads above the project"),
        ("a", "missing", None, "missing does not exist."),
    ],
)
def test_what_can_not_be_searched_is_told_in_words(
    workspace: Workspace, pattern: str, path: str, glob: str | None, problem: str
) -> None:
    (told,) = found(workspace, request(pattern, path, glob=glob))

    assert isinstance(told, Summary)
    assert told.problem.startswith(problem)


def test_a_program_that_rules_files_out_is_asked_only_where_there_are_many(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one in its place rules out all but the last file that it is given."""
    monkeypatch.chdir(tmp_path)
    scripted = tmp_path / "rg"
    scripted.write_text("#!/bin/sh\nshift $(($# - 1)); printf '%s\\0' \"$1\"\n")
    scripted.chmod(0o755)
    asked = request("two", "src", ripgrep=str(scripted))
    assert len(found(workspace, asked)) == 3

    for number in range(64):
        (tmp_path / f"src/{number}").write_text("two")
        os.utime(tmp_path / f"src/{number}", (2_000_000, 2_000_000))

    assert found(workspace, asked) == [Hit("src/b.txt", 1), DONE]
    everywhere = found(workspace, request(r"t\wo|.", "src", ripgrep=str(scripted)))
    assert len(everywhere) == 67


def test_the_program_writes_what_the_function_finds(
    workspace: Workspace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    asked = request("two", output="lines")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["search", msgspec.json.encode(asked).decode()])

    runpy.run_path(str(search.__file__), run_name="__main__")

    written = capfdbinary.readouterr().out.splitlines()
    assert [msgspec.json.decode(line, type=Found) for line in written] == found(workspace, asked)


def test_the_expression_is_pythons_own(workspace: Workspace) -> None:
    text = (workspace.root / "src/a.py").read_text()
    for pattern in ("(?i)T", "^f", r"\bt\w+$", "e$", "(?=th)"):
        hit = found(workspace, request(pattern, "src/a.py"))[0]
        assert isinstance(hit, Hit)
        assert hit.count == sum(1 for line in text.splitlines() if re.search(pattern, line))
