"""What programs make of the project's files by themselves, and make again: nobody's work.

Goes by names; looks at no file.
"""

import re

_CACHES = frozenset({".mypy_cache", ".pytest_cache", ".ruff_cache"})
"""Folders of tools that own all that is in them."""
_COMPILED = re.compile(r".+\.py[co](?:\.\d+)?")


def is_derived(path: str) -> bool:
    """Whether `path` is such a file or folder; not what somebody put beside compiled files."""
    parts = path.split("/")
    if not _CACHES.isdisjoint(parts) or parts[-1] == "__pycache__":
        return True
    return parts[-2:-1] == ["__pycache__"] and _COMPILED.fullmatch(parts[-1]) is not None
