"""Guess which name was meant by a path that does not exist.

Looks at two places, the folder where the name would be and the names below the root; reads no file.
"""

import os

from executor.workspace.resolved import Located, shown
from executor.workspace.walk import Pruning, walk

GUESSES_MAX = 3
_ALIKE = 0.7
_ALIKE_STEMS = 0.6
"""Without what follows the last dot: 'a.py' is not like 'b.py'."""
_LOOKED_AT_MAX = 5000
_SECONDS = 0.2


def near_misses(root: int, found: Located) -> tuple[str, ...]:
    """Up to three printable paths: alike in the same folder, or of the same name elsewhere."""
    above = found.path.real[: len(found.path.real) - len(found.rest)]
    wanted = found.path.real[-1]
    guesses: list[str] = []
    if len(found.rest) == 1:
        import difflib

        with os.scandir(found.folder) as entries:
            names = [entry.name for entry, _ in zip(entries, range(_LOOKED_AT_MAX), strict=False)]
        folded = {name.casefold(): name for name in names}
        alike = difflib.get_close_matches(wanted.casefold(), folded, GUESSES_MAX, _ALIKE)
        guesses += [
            shown((*above, folded[name])) for name in alike if _stems_alike(wanted.casefold(), name)
        ]
    pruning = Pruning(entries_max=_LOOKED_AT_MAX, seconds=_SECONDS)
    guesses += [
        shown(entry.path)
        for entry in walk(root, root, (), pruning).entries
        if entry.path[-1].casefold() == wanted.casefold()
    ]
    return tuple(dict.fromkeys(guesses))[:GUESSES_MAX]


def _stems_alike(one: str, other: str) -> bool:
    import difflib

    matcher = difflib.SequenceMatcher(None, os.path.splitext(one)[0], os.path.splitext(other)[0])
    return matcher.ratio() >= _ALIKE_STEMS
