"""Which names a program's wildcards may mean, where programs differ in how they read them.

Errs towards `may`: only what `find`, `grep`, `rg` and git read alike is judged.
"""

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

_PLAIN = re.compile(r"(?:[A-Za-z0-9_.,+@%=*?~ -]|\[[A-Za-z0-9]+\])+")
_BRACES = re.compile(r"(?P<before>[^{}]*)\{(?P<choices>[^{}]*)\}(?P<behind>[^{}]*)")


def may_match(name: str, glob: str) -> bool:
    """Whether `glob` may mean a file of this name."""
    if not _PLAIN.fullmatch(glob) or not name.isascii():
        return True
    return fnmatchcase(name, glob)


def may_match_any(name: str, globs: Iterable[str]) -> bool:
    return any(may_match(name, glob) for glob in globs)


def last_names(glob: str) -> tuple[str, ...]:
    """The wildcards of the last name of a path, each choice of braces on its own."""
    last = glob.rstrip("/").rpartition("/")[2]
    braces = _BRACES.fullmatch(last)
    if braces is None:
        return (last,)
    choices = braces["choices"].split(",")
    return tuple(f"{braces['before']}{choice}{braces['behind']}" for choice in choices)
