"""Hold that every tool is tried on a table of cases from real life, and that the table is used.

Counts rows; whether a row deserves its place is for its reader.
"""

from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest

from protocol.tools import CARRIED_OUT_BY_MAESTRO, CONTRACTS

ROWS_MIN = 40
TOOLS = "tests.executor.tools."
TABLES = {
    "ReadFile": (f"{TOOLS}test_read_file", f"{TOOLS}test_documents"),
    "ReadFolder": (f"{TOOLS}test_read_folder",),
    "WriteFile": (f"{TOOLS}test_write_file",),
    "Edit": (f"{TOOLS}test_edit",),
    "ApplyPatch": (f"{TOOLS}test_apply_patch",),
    "Glob": (f"{TOOLS}test_glob",),
    "Grep": (f"{TOOLS}test_grep",),
    "Shell": (f"{TOOLS}test_shell",),
    "ShellOutput": (f"{TOOLS}test_shell_output",),
    "ShellKill": (f"{TOOLS}test_shell_kill",),
    "Git": (f"{TOOLS}test_git", f"{TOOLS}test_git_losses"),
    "WebFetch": (f"{TOOLS}test_web_fetch",),
    "Clipboard": (f"{TOOLS}test_clipboard", f"{TOOLS}test_clipboard_desktops"),
    "a tool of the user's own": (
        "tests.executor.own_tools.test_own_tools",
        "tests.executor.own_tools.test_kinds",
    ),
}
WITHOUT = {"GetWorkingDirectory"}
"""It has no parameters, and one answer."""


def test_every_tool_has_a_table() -> None:
    built_in = {one.name for one in CONTRACTS if one.name not in CARRIED_OUT_BY_MAESTRO}

    assert {*TABLES} - {"a tool of the user's own"} == built_in - WITHOUT


@pytest.mark.parametrize("tool", TABLES)
def test_a_tool_is_tried_on_forty_cases_and_more(tool: str) -> None:
    assert sum(_rows(import_module(module)) for module in TABLES[tool]) >= ROWS_MIN


def _rows(module: ModuleType) -> int:
    """Of its tests' tables, each once, and of `CASES`, which one test goes through by itself."""
    tables = {id(table): table for table in _tables(module)}
    return sum(map(len, tables.values()))


def _tables(module: ModuleType) -> Iterator[Any]:
    for name, found in vars(module).items():
        if name == "CASES":
            yield found
        if name.startswith("test_"):
            marks = [
                mark for mark in getattr(found, "pytestmark", ()) if mark.name == "parametrize"
            ]
            if marks:
                yield max((mark.args[1] for mark in marks), key=len)
