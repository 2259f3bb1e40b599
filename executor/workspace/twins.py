"""Fold names that some file system, or some eye, takes for the same one.

Errs towards the same: two names that differ may fold alike, never one name in two ways.
"""

import re
import unicodedata

_SHORT = {"git~1": ".git", "gitmod~1": ".gitmodules"}
"""Names that Windows gives beside the long ones."""
_STREAM = re.compile(r"(?::[^:]*)?:\$[a-z_]+")
"""`::$DATA` behind a name is the same file to Windows."""


def folded(name: str) -> str:
    """Without case, accents, invisible characters, a stream's name, or dots at the end."""
    if not name.isascii():
        name = "".join(
            char
            for char in unicodedata.normalize("NFKD", name)
            if unicodedata.category(char) not in ("Mn", "Cf")
        )
    plain = name.casefold()
    if "$" in plain:
        plain = _STREAM.sub("", plain)
    plain = plain.rstrip(". ")
    return _SHORT.get(plain, plain)
