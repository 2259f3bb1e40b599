"""Tokens and keys that `codegen login` keeps: in the keyring, else in a file of mode 0600.

`credentials.json` says which names there are, so that a start without any loads no keyring.
"""

import json
import os
import secrets
from pathlib import Path
from typing import Literal, NotRequired, TypedDict

import msgspec

from executor.errors import UsageError

SERVICE = "codegen"

Kept = Literal["keyring", "file"]


class Entry(TypedDict):
    kept: Kept
    secret: NotRequired[str]
    """Where it is kept in the file."""


_ENTRIES = msgspec.json.Decoder(dict[str, Entry])


class Credentials:
    """The kept secrets of one user, by name: `server wss://...`, or `OPENAI_API_KEY`."""

    def __init__(self, config: Path) -> None:
        self._file = config / "credentials.json"

    def get(self, name: str) -> str | None:
        entry = self._entries().get(name)
        if entry is None:
            return None
        return _from_keyring(name) if entry["kept"] == "keyring" else entry.get("secret")

    def keep(self, name: str, secret: str) -> Kept:
        """Where it is kept from now on."""
        kept: Kept = "keyring" if _to_keyring(name, secret) else "file"
        entry: Entry = {"kept": kept} if kept == "keyring" else {"kept": kept, "secret": secret}
        self._write({**self._entries(), name: entry})
        return kept

    def forget(self, name: str) -> bool:
        """False: there was none."""
        entries = self._entries()
        entry = entries.pop(name, None)
        if entry is None:
            return False
        if entry["kept"] == "keyring":
            _out_of_keyring(name)
        self._write(entries)
        return True

    def provider_keys(self) -> dict[str, str]:
        """Every kept provider key, by its variable."""
        names = [name for name in self._entries() if not name.startswith("server ")]
        return {name: secret for name in names if (secret := self.get(name))}

    def _entries(self) -> dict[str, Entry]:
        try:
            return _ENTRIES.decode(self._file.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise UsageError(f"{self._file}: can't be read ({error}); remove it") from error

    def _write(self, entries: dict[str, Entry]) -> None:
        temporary = self._file.with_name(f"credentials.{secrets.token_hex(4)}")
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with open(temporary, "x", opener=_private, encoding="utf-8") as file:
                json.dump(entries, file, indent=1)
            temporary.replace(self._file)
        except OSError as error:
            raise UsageError(f"{self._file}: can't be written: {error.strerror}") from error


def server_name(server: str) -> str:
    return f"server {server.rstrip('/')}"


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def _to_keyring(name: str, secret: str) -> bool:
    import keyring
    from keyring.errors import KeyringError

    try:
        keyring.set_password(SERVICE, name, secret)
    except KeyringError:
        return False  # no desktop, or it is locked: the file then
    return True


def _from_keyring(name: str) -> str | None:
    import keyring
    from keyring.errors import KeyringError

    try:
        return keyring.get_password(SERVICE, name)
    except KeyringError as error:
        raise UsageError(f"the keyring does not give {name} out: {error}") from error


def _out_of_keyring(name: str) -> None:
    import keyring
    from keyring.errors import KeyringError

    try:
        keyring.delete_password(SERVICE, name)
    except KeyringError as error:
        raise UsageError(f"the keyring does not let go of {name}: {error}") from error
