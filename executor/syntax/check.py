"""Check a written file by the language that its name tells, and put what was found into words.

Reports and never refuses; imports and runs nothing of the file.
"""

import importlib
from collections.abc import Callable

import msgspec

from executor.process.processes import Processes
from executor.syntax.javascript import javascript_trouble
from executor.syntax.trouble import Trouble
from executor.workspace import Workspace
from executor.workspace.text import Text
from executor.workspace.waiting import in_thread

CHECKED_MAX = 256 * 1024
"""Characters of the largest text that is checked: a parser stops everything else meanwhile."""

_LANGUAGES = {
    ".py": "python",
    ".pyi": "python",
    ".pyw": "python",
    ".json": "json",
    ".ipynb": "json",
    ".geojson": "json",
    ".webmanifest": "json",
    ".toml": "toml",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".js": "javascript",
    ".mjs": "javascript",
    ".cjs": "javascript",
}
_WITH_COMMENTS = ("tsconfig", "jsconfig", "devcontainer", ".eslintrc", "settings.json")
"""Beginnings of the names of JSON files whose readers take comments."""
_TEMPLATES = ("{{", "{%")

_Checker = Callable[[Text], Trouble | None]


class Written(msgspec.Struct, frozen=True):
    """A change that was made to a text file; `before` is None for a file that was created."""

    path: str
    """Relative to the root, printable."""
    before: Text | None
    after: Text


async def syntax_note(
    written: Written, workspace: Workspace, processes: Processes, call: str
) -> str:
    """A line for the end of a result; empty where nothing can be said."""
    language = _language(written)
    if language is None or len(written.after.text) > CHECKED_MAX:
        return ""
    if language == "javascript":
        found = await javascript_trouble(written.path, workspace, processes, call)
        return "" if found is None else _worded("JavaScript", found, "")
    return await in_thread(lambda: _parsed(written, language))


def _language(written: Written) -> str | None:
    name = written.path.rpartition("/")[2].lower()
    language = _LANGUAGES.get(f".{name.rpartition('.')[2]}") if "." in name else None
    if language == "json" and name.startswith(_WITH_COMMENTS):
        return None
    if language == "yaml" and any(mark in written.after.text for mark in _TEMPLATES):
        return None
    return language


def _parsed(written: Written, language: str) -> str:
    # Its parsers cost time to load, and most processes never need them.
    parsers = importlib.import_module("executor.syntax.parsers")
    title: str = parsers.TITLES[language]
    check: _Checker = parsers.CHECKERS[language]
    found = check(written.after)
    if found is None:
        return ""
    as_before = found.message and written.before is not None and _is_wrong(check, written.before)
    return _worded(title, found, " It could not be parsed before either." if as_before else "")


def _is_wrong(check: _Checker, text: Text) -> bool:
    found = check(text)
    return found is not None and bool(found.message)


def _worded(title: str, found: Trouble, more: str) -> str:
    if not found.message:
        return f"\n[{title} syntax: no errors]"
    return (
        f"\n[{title} syntax, {found.where}{found.message}. The file is written as you asked; mend "
        f"it if that was not meant.{more}]"
    )
