"""Turn what a model writes into path components, and file names into printable text.

Looks at no file: whether something is there is `resolved`'s question.
"""

import os
import re
from pathlib import Path

from executor.errors import OutsideWorkspace

PATH_MAX = 4096
"""Bytes of a path, as on Linux."""

_ESCAPE = re.compile(r"\\(\\|x[0-9a-fA-F]{2})")


def components(path: str, roots: tuple[Path, ...]) -> tuple[str, ...]:
    """The components of `path` below the project's root, '..' kept, '.' and empty ones dropped.

    `roots` are the names of one folder. Accepts a relative path, or an absolute one that starts
    with a root, component by component. Raises OutsideWorkspace for everything else, and for what
    no file system can hold.
    """
    if "\0" in path:
        raise OutsideWorkspace(f"{printable(path)!r} holds a NUL character")
    try:
        length = len(os.fsencode(path))
    except UnicodeEncodeError as error:
        raise OutsideWorkspace(f"{path!a} is no valid Unicode") from error
    if length > PATH_MAX:
        raise OutsideWorkspace(f"the path is longer than {PATH_MAX} bytes")
    parts = tuple(part for part in path.split("/") if part not in ("", "."))
    if not path.startswith("/"):
        return parts
    for root in roots:
        above = root.parts[1:]
        if parts[: len(above)] == above:
            return parts[len(above) :]
    raise OutsideWorkspace(f"{printable(path)} is outside the project {roots[0]}")


def printable(name: str) -> str:
    r"""`name` as one line of valid Unicode: `\xNN` for bytes that are no UTF-8 and for controls.

    A name that needs no such escape stays as it is; in one that does, backslashes are doubled, so
    that `from_printable` finds the way back.
    """
    if not any(_needs_escape(char) for char in name):
        return name
    return "".join(
        "\\\\" if char == "\\" else _escaped(char) if _needs_escape(char) else char for char in name
    )


def from_printable(name: str) -> str:
    """The name that `printable` was given; other text comes back unchanged where it holds none."""

    def original(match: re.Match[str]) -> str:
        code = match.group(1)
        return "\\" if code == "\\" else _byte(int(code[1:], 16))

    try:
        return os.fsdecode(os.fsencode(_ESCAPE.sub(original, name)))
    except UnicodeEncodeError:
        return name


def _needs_escape(char: str) -> bool:
    return char < " " or "\x7f" <= char <= "\x9f" or "\ud800" <= char <= "\udfff"


def _escaped(char: str) -> str:
    errors = "surrogateescape" if "\udc80" <= char <= "\udcff" else "surrogatepass"
    return "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", errors))


def _byte(value: int) -> str:
    return chr(value) if value < 0x80 else chr(0xDC00 + value)
