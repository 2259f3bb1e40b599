"""The store of one project: contents by digest, and the last state that was seen.

One SQLite file, owner-readable only; what a kill leaves is whole. Knows no project's files;
checkpoints are `timeline`'s.
"""

import hashlib
import os
import sqlite3
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from executor.errors import SnapshotError
from executor.snapshots import manifest
from executor.snapshots.manifest import Listing, Manifest

VERSION = 1
BATCH_BYTES = 16 * 1024 * 1024
BUSY_SECONDS = 20.0
FILE = "store.sqlite3"
_SETTINGS = (
    "PRAGMA auto_vacuum = INCREMENTAL",
    # New pages are written once; a log beside the file would write each content twice.
    "PRAGMA journal_mode = TRUNCATE",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA cell_size_check = ON",
)


class Store:
    """Open while a session or a command needs it; safe to use from one thread after the other."""

    def __init__(self, folder: Path) -> None:
        """Open or make the store in `folder`. Raises SnapshotError.

        A file that is no database any more is put aside, and another one begun.
        """
        self.folder = folder
        self._turn = threading.RLock()
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.chmod(folder, 0o700)
            self._connection = self._opened()
        except (OSError, sqlite3.Error) as error:
            raise SnapshotError(f"the snapshots in {folder} can't be used: {error}") from error

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def transaction(self) -> Generator[Callable[..., sqlite3.Cursor]]:
        """All or nothing; what is yielded executes a statement. Raises SnapshotError."""
        with self._turn:
            connection = self._connection
            if connection.in_transaction:  # it joins the one that is open
                yield connection.execute
                return
            try:
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection.execute
                except BaseException:
                    connection.execute("ROLLBACK")
                    raise
                connection.execute("COMMIT")
            except sqlite3.Error as error:
                raise SnapshotError(f"the snapshots can't be written: {error}") from error

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """Raises SnapshotError."""
        with self._turn:
            try:
                return self._connection.execute(statement, parameters).fetchall()
            except sqlite3.Error as error:
                raise SnapshotError(f"the snapshots can't be read: {error}") from error

    def content(self, digest: bytes) -> bytes:
        """The bytes with that digest. Raises SnapshotError where they are lost or damaged."""
        rows = self.rows("SELECT content FROM contents WHERE digest = ?", (digest,))
        if not rows or hashlib.sha256(rows[0][0]).digest() != digest:
            raise SnapshotError(f"the content {digest.hex()[:12]} is lost from {self.folder}")
        return rows[0][0]

    def generation(self) -> int:
        """Grows whenever the manifest changes."""
        return self.fact("generation")

    def fact(self, name: str) -> int:
        return self.rows("SELECT value FROM facts WHERE name = ?", (name,))[0][0]

    def set_fact(self, name: str, value: int) -> None:
        with self.transaction() as execute:
            execute("UPDATE facts SET value = ? WHERE name = ?", (value, name))

    def manifest(self) -> Manifest:
        """The last state that was seen; empty before the first scan."""
        try:
            return {
                os.fsdecode(path): manifest.decoded(listing)
                for path, listing in self.rows("SELECT path, listing FROM folders")
            }
        except msgspec.MsgspecError as error:
            raise SnapshotError(f"the snapshots in {self.folder} are damaged: {error}") from error

    def advance(self, changed: dict[str, Listing], gone: Iterable[str]) -> int:
        """Bring the manifest up to date; its generation."""
        with self.transaction() as execute:
            for path in gone:
                execute("DELETE FROM folders WHERE path = ?", (os.fsencode(path),))
            for path, listing in changed.items():
                execute(
                    "INSERT OR REPLACE INTO folders VALUES (?, ?)",
                    (os.fsencode(path), manifest.encoded(listing)),
                )
            if changed:
                execute("UPDATE facts SET value = value + 1 WHERE name = 'generation'")
            return self.generation()

    def _opened(self) -> sqlite3.Connection:
        path = self.folder / FILE
        try:
            return self._connected(path)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise  # locked, or the disk is full: it may be good all the same
            path.replace(path.with_suffix(".damaged"))
            return self._connected(path)

    def _connected(self, path: Path) -> sqlite3.Connection:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
        connection = sqlite3.connect(
            path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            for setting in _SETTINGS:
                connection.execute(setting)
            connection.execute("BEGIN IMMEDIATE")
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version == 0:
                for statement in _schema():
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {VERSION}")
            connection.execute("COMMIT")
            if version not in (0, VERSION):
                raise SnapshotError(f"{path} is of a later version of codegen")
        except BaseException:
            connection.close()
            raise
        return connection


class Contents:
    """Keeps contents in batches, so that a big project is not one big transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: dict[bytes, bytes] = {}
        self._waiting_bytes = 0

    def save(self, digest: bytes, content: bytes) -> None:
        """Keep `content`; on disk after `flush`."""
        if digest not in self._waiting:
            self._waiting[digest] = content
            self._waiting_bytes += len(content)
            if self._waiting_bytes > BATCH_BYTES:
                self.flush()

    def flush(self) -> None:
        if not self._waiting:
            return
        with self._store.transaction() as execute:
            for digest, content in self._waiting.items():
                execute(
                    "INSERT OR IGNORE INTO contents (digest, size, content) VALUES (?, ?, ?)",
                    (digest, len(content), content),
                )
        self._waiting.clear()
        self._waiting_bytes = 0


def _schema() -> list[str]:
    text = files("executor.snapshots").joinpath("schema.sql").read_text(encoding="utf-8")
    return [statement for statement in text.split(";\n") if statement.strip()]
