"""One project's folder: resolve, read, write and list, all of it beneath the root.

Says what is there and never what is allowed; text, patterns and differences are its neighbours'.
"""

import os
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from executor.errors import OutsideWorkspace, ToolFailure
from executor.workspace import files
from executor.workspace.files import FileBytes, Recent, Stamp
from executor.workspace.ignored_above import rules_from_above
from executor.workspace.left_out import NOTHING_LEFT_OUT, LeftOut
from executor.workspace.names import printable
from executor.workspace.resolved import FOLDER_FLAGS, ResolvedPath
from executor.workspace.root import Root
from executor.workspace.staging import UNLOGGED, Change, IntentLog, commit, require_writable
from executor.workspace.walk import Listing, Pruning, walk

_FILE_MODE = 0o666


class Workspace:
    """Everything that touches the project's files goes through one of these.

    Paths are strings relative to the root, with '/', or absolute ones beneath it; printable forms
    of odd names are understood. Methods block, and are safe to call from several threads. All but
    `resolve` raise ToolFailure, whose text is for the model.
    """

    def __init__(self, root: Path, left_out: LeftOut = NOTHING_LEFT_OUT) -> None:
        """Open `root`; raises OSError where it is no folder that can be read.

        `left_out` is what no listing tells of.
        """
        self.left_out = left_out
        self._root = Root(root)
        self.root = self._root.path
        self._above = rules_from_above(self.root)
        self._changing = threading.RLock()
        self._recent = Recent()
        # There is no other way to ask for it; another thread must not make files meanwhile.
        umask = os.umask(0o077)
        os.umask(umask)
        self._new_mode = _FILE_MODE & ~umask

    @property
    def shown_root(self) -> str:
        """The root's absolute path, printable."""
        return printable(str(self.root))

    def close(self) -> None:
        """Give the root's handle back; nothing else may be called afterwards."""
        self._root.close()

    def resolve(self, path: str) -> ResolvedPath:
        """Where `path` leads, without opening what is there.

        Raises OutsideWorkspace where it leads out of the project, and where it can't be followed.
        """
        try:
            with self._root.resolved(path) as found:
                return found.path
        except OSError as error:
            name = printable(path)
            raise OutsideWorkspace(f"{name} can't be followed: {error.strerror}") from error

    def read(self, path: str, limit: int = files.READ_MAX) -> FileBytes:
        """A regular file whole, at most `limit` bytes of it.

        Failures: not_found, is_folder, not_a_file, too_large, outside_workspace, unreadable.
        """
        with self._root.existing(path) as found:
            shown = found.path.shown
            if found.path.kind == "folder":
                raise ToolFailure("is_folder", f"{shown} is a folder: list it with ReadFolder.")
            content, stamp = files.read_stamped(found.folder, found.rest[0], shown, limit)
        read = FileBytes(shown, content, files.digest_of(content), stamp)
        self._recent.keep(read.digest, content)
        return read

    def read_if_exists(self, path: str) -> FileBytes | None:
        """Like `read`, with None for a file that is not there."""
        with self._root.located(path) as found:
            exists = found.path.exists
        return self.read(path) if exists else None

    def read_quietly(self, parts: tuple[str, ...], limit: int) -> bytes | None:
        """The file at real `parts`, in a search: None for what is gone, moved or too large."""
        handle = self._root.handle
        opened: list[int] = []
        try:
            for name in parts[:-1]:
                handle = os.open(name, FOLDER_FLAGS, dir_fd=handle)
                opened.append(handle)
            return files.read_regular(handle, parts[-1], "", limit)
        except (OSError, ToolFailure):
            return None
        finally:
            for folder in opened:
                os.close(folder)

    def existing(self, path: str) -> ResolvedPath:
        """Like `resolve`, with the failures not_found and outside_workspace."""
        with self._root.existing(path) as found:
            return found.path

    def write(self, path: str, content: bytes, expected: Stamp | None = None) -> str:
        """Create or replace a file atomically, folders on the way included; its real path, shown.

        `expected` is the state that the file must still be in, MISSING for one that must not be
        there. Failures: is_folder, not_a_file, outside_workspace, unwritable, no_space, stale.
        """
        with self._changing:
            commit(self._root, (Change(path, content, expected),), UNLOGGED, self._new_mode)
            return self.existing(path).shown

    def commit(self, changes: Sequence[Change], log: IntentLog = UNLOGGED) -> None:
        """Make all `changes`, each of another file, or none; failures as of `write`.

        `log` is told before the first file is touched, and may raise JournalError.
        """
        with self._changing:
            commit(self._root, changes, log, self._new_mode)
        for change in changes:
            if change.content is not None:
                self._recent.keep(files.digest_of(change.content), change.content)

    def require_writable(self, path: str) -> str:
        """The real path, shown; or the failure of `write`, where that can be told beforehand."""
        with self._root.located(path) as found:
            require_writable(found)
            return found.path.shown

    def read_before(self, digest: str) -> bytes | None:
        """The bytes with that digest, if they were read or written not long ago."""
        return self._recent.get(digest)

    @contextmanager
    def exclusive(self) -> Generator[None]:
        """Hold off every other writer of this process: what is read inside stays true inside."""
        with self._changing:
            yield

    @contextmanager
    def folder(self, path: str) -> Generator[int]:
        """A handle of the folder `path`, to start a process in.

        Failures: not_found, not_a_folder, outside_workspace.
        """
        with self._root.folder(path) as found:
            yield found.folder

    def walk(self, path: str, pruning: Pruning) -> Listing:
        """What lies below the folder `path`, ignore rules applied; see `walk` for the bounds.

        Failures: those of `folder`.
        """
        with self._root.folder(path) as found:
            above = self._above.rules
            bounds = msgspec.structs.replace(pruning, left_out=self.left_out, above=above)
            return walk(self._root.handle, found.folder, found.path.real, bounds)
