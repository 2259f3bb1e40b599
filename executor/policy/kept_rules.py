"""Keep a rule for ever: add it to `[policy] allow` of the user's own configuration file.

Changes nothing else of the file, its comments and layout included, and checks that before it
writes. Decides nothing about what may be kept.
"""

import fcntl
import os
import re
import secrets
import tomllib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import msgspec

from executor.errors import UsageError

FILE_MAX = 1024 * 1024
_TABLE = re.compile(r"^[ \t]*\[[ \t]*policy[ \t]*\][ \t]*(?:#.*)?$", re.MULTILINE)
_NEXT_TABLE = re.compile(r"^[ \t]*\[", re.MULTILINE)
_ALLOW = re.compile(r"^[ \t]*allow[ \t]*=[ \t]*\[", re.MULTILINE)
_TOKEN = re.compile(
    r"""(?P<string>"(?:[^"\\\n]|\\.)*"|'[^'\n]*')|(?P<comment>\#.*)|(?P<mark>[\[\],])|(?P<gap>\s+)"""
)


def keep(file: Path, rule: str) -> None:
    """Write `rule` to `file`, which is made if need be; raises UsageError, which says what to do.

    The old file stays whole until the new one is; who writes at the same time waits.
    """
    real = Path(os.path.realpath(file))
    try:
        real.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(real.parent):
            text = real.read_bytes().decode() if real.exists() else ""
            if len(text) > FILE_MAX:
                raise UsageError(_by_hand(file, rule, "it is very long"))
            added = with_rule(text, rule)
            if added is None:
                raise UsageError(_by_hand(file, rule, "its [policy] is laid out in another way"))
            if added != text:
                _replace(real, added)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(_by_hand(file, rule, str(error))) from error


def _by_hand(file: Path, rule: str, why: str) -> str:
    return f"{file}: {rule} could not be added to [policy] allow ({why}): add it by hand"


def with_rule(text: str, rule: str) -> str | None:
    """`text` with `rule` as the last one of `[policy] allow`; None where that can't be made sure.

    The same text where the rule stands there already.
    """
    try:
        before = tomllib.loads(text)
        wanted = _wanted(before, rule)
        if wanted is None or wanted == before:
            return None if wanted is None else text
        added = _inserted(text, msgspec.json.encode(rule).decode())
        return added if added is not None and tomllib.loads(added) == wanted else None
    except tomllib.TOMLDecodeError:
        return None


def _wanted(document: dict[str, Any], rule: str) -> dict[str, Any] | None:
    policy: Any = document.get("policy", {})
    if not isinstance(policy, dict):
        return None
    table = cast("dict[str, Any]", policy)
    allow: Any = table.get("allow", [])
    if not isinstance(allow, list):
        return None
    if rule in allow:
        return document
    return {**document, "policy": {**table, "allow": [*cast("list[Any]", allow), rule]}}


def _inserted(text: str, literal: str) -> str | None:
    table = _TABLE.search(text)
    if table is None:
        gap = "" if not text else "\n" if text.endswith("\n") else "\n\n"
        return f"{text}{gap}[policy]\nallow = [{literal}]\n"
    following = _NEXT_TABLE.search(text, table.end())
    allow = _ALLOW.search(text, table.end(), following.start() if following else len(text))
    if allow is None:
        return f"{text[: table.end()]}\nallow = [{literal}]{text[table.end() :]}"
    return _appended(text, allow.end(), literal)


def _appended(text: str, start: int, literal: str) -> str | None:
    """With one more string in the list whose first element may begin at `start`."""
    last = 0
    comma = True
    at = start
    while (token := _TOKEN.match(text, at)) is not None:
        if token["string"]:
            last, comma = token.end(), False
        elif token[0] == ",":
            last, comma = token.end(), True
        elif token[0] == "]":
            return _put(text, start, last, literal, comma=comma)
        elif token[0] == "[":
            return None
        at = token.end()
    return None


def _put(text: str, start: int, last: int, literal: str, *, comma: bool) -> str:
    """Behind `last`, the end of the last element or of its comma; 0: the list is empty."""
    if not last:
        return f"{text[:start]}{literal}{text[start:]}"
    line = text.rfind("\n", 0, last) + 1
    own_line = line > start
    indent = re.match(r"[ \t]*", text[line:])
    gap = f"\n{indent[0] if indent else ''}" if own_line else " "
    ending = "," if own_line else ""
    if own_line and comma:  # behind a comment that belongs to the last element
        ends = text.find("\n", last)
        tail = text[last:ends]
        if tail.strip().startswith("#") or not tail.strip():
            last = ends
    return f"{text[:last]}{'' if comma else ','}{gap}{literal}{ending}{text[last:]}"


@contextmanager
def _alone(folder: Path) -> Generator[None]:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _replace(file: Path, text: str) -> None:
    mode = file.stat().st_mode & 0o777 if file.exists() else 0o600
    fresh = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    handle = os.open(
        fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode
    )
    try:
        with open(handle, "wb") as opened:
            os.fchmod(handle, mode)
            opened.write(text.encode())
            opened.flush()
            os.fsync(handle)
        fresh.replace(file)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
