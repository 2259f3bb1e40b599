"""Kinds of files by a short name (`py`, `ts`, `rust`), as globs of the files' names.

The table beside this file says of each kind what ripgrep 14 says of it; no file is looked at.
"""

from difflib import get_close_matches
from functools import cache
from importlib.resources import files

import msgspec

from executor.workspace.patterns import glob_patterns

_SPOKEN = {
    "bash": "sh", "c#": "cs", "c++": "cpp", "golang": "go", "javascript": "js", "kt": "kotlin",
    "node": "js", "powershell": "ps", "react": "js", "shell": "sh", "terraform": "tf",
    "text": "txt", "yml": "yaml",
}  # fmt: skip
"""What people call a kind, where it is too far from its name to be found near it."""
_NEAR_MAX = 5


class UnknownType(ValueError):
    """There is no such kind; the message names those that are near."""


def globs_of_type(name: str) -> tuple[str, ...]:
    """Raises UnknownType."""
    known = types()
    if name in known:
        return known[name]
    near = _near(name.lower().removeprefix("*").removeprefix("."))
    hint = f"near it are {', '.join(near)}" if near else f"there are {', '.join(known)}"
    raise UnknownType(f"There is no type {name!r}: {hint}. For others use 'glob'.")


def _near(name: str) -> list[str]:
    """By what people call it, by ending, by spelling."""
    known = types()
    by_ending = [kind for kind, globs in known.items() if _has(globs, f"x.{name}")]
    found = [_SPOKEN.get(name, name), *by_ending, *get_close_matches(name, known)]
    return list(dict.fromkeys(kind for kind in found if kind in known))[:_NEAR_MAX]


def _has(globs: tuple[str, ...], name: str) -> bool:
    return any(one.matches((name,)) for glob in globs for one in glob_patterns(glob))


@cache
def types() -> dict[str, tuple[str, ...]]:
    """Every kind's globs."""
    content = files("executor.workspace").joinpath("file_types.json").read_bytes()
    return msgspec.json.decode(content, type=dict[str, tuple[str, ...]])
