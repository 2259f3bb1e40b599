"""`maestro keys`: people and their tokens.

A token is shown once, here; the database keeps its hash.
"""

import asyncio
import os
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from maestro.bootstrap import open_ledger
from maestro.errors import NoSuchKey, SettingsError
from maestro.ports import Key
from maestro.settings import Backends, resolve

_UNITS = {"m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_LIFETIME = re.compile(r"([1-9][0-9]{0,5})([mhdw])")
_NAME_CHARACTERS = 100
_MOST_KEYS = 10_000
_MOST_SECONDS = 100 * 365 * 86_400.0


def create_key(flags: Mapping[str, Any], name: str, expires: str | None, *, another: bool) -> int:
    """Print a fresh token for `name` on standard output, and what to do with it on the other."""
    seconds = None if expires is None else lifetime(expires)
    if not another:
        _require_name(name)

    async def create() -> str:
        async with open_ledger(_backends(flags)) as stores:
            return await stores.accounts.create(name, expires_seconds=seconds, another=another)

    sys.stdout.write(f"{asyncio.run(create())}\n")
    sys.stderr.write(
        f"This is the only time that {_shown(name)}'s token is shown. On their machine:\n"
        "  codegen login --server wss://YOUR-MAESTRO\n"
    )
    return 0


def list_keys(flags: Mapping[str, Any]) -> int:
    """A line for each key: id, person, when it was made, until when it holds."""

    async def read() -> Sequence[Key]:
        async with open_ledger(_backends(flags)) as stores:
            return await stores.accounts.keys(_MOST_KEYS)

    keys = asyncio.run(read())
    width = max([len(key.name) for key in keys] + [6])
    sys.stdout.write(f"{'ID':<12}  {'PERSON':<{width}}  {'MADE':<16}  STATE\n")
    for key in keys:
        made = _time(key.created_at)
        sys.stdout.write(f"{key.key_id:<12}  {_shown(key.name):<{width}}  {made}  {_state(key)}\n")
    return 0


def revoke_key(flags: Mapping[str, Any], key_id: str) -> int:
    """End a key; NoSuchKey when there is none of this id."""

    async def revoke() -> bool:
        async with open_ledger(_backends(flags)) as stores:
            return await stores.accounts.revoke(key_id)

    if not asyncio.run(revoke()):
        raise NoSuchKey(f"no key has the id {key_id!r}: see maestro keys list")
    sys.stderr.write("Revoked. What is connected by it is closed within 5 seconds.\n")
    return 0


def lifetime(text: str) -> float:
    """Seconds of `90d`, `12h`, `2w`, `30m`. Raises SettingsError."""
    found = _LIFETIME.fullmatch(text)
    if found is None:
        raise SettingsError(f"expires: {text!r} is no time such as 90d, 12h, 2w or 30m")
    seconds = int(found[1]) * _UNITS[found[2]]
    if seconds > _MOST_SECONDS:
        raise SettingsError(f"expires: {text!r} is more than 100 years: leave it out")
    return seconds


def _require_name(name: str) -> None:
    """Raises SettingsError for one that nobody could tell from another in a list."""
    if not name.strip() or name != name.strip() or not name.isprintable():
        raise SettingsError(f"name: {name!r} is empty, or has spaces around it, or control letters")
    if len(name) > _NAME_CHARACTERS:
        raise SettingsError(f"name: it has more than {_NAME_CHARACTERS} characters")


def _backends(flags: Mapping[str, Any]) -> Backends:
    return resolve(flags, os.environ).backends


def _state(key: Key) -> str:
    if key.revoked_at is not None and key.revoked_at <= key.now:
        return f"revoked {_time(key.revoked_at)}"
    if key.expires_at is None:
        return "valid"
    return f"{'valid until' if key.valid else 'expired'} {_time(key.expires_at)}"


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")


def _shown(name: str) -> str:
    """A name is an operator's own text; what would drive the terminal is left out all the same."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)
