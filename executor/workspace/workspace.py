"""One project's folder: resolve, read, write and list, all of it beneath the root.

Says what is there and never what is allowed; text, patterns and differences are its neighbours'.
"""

import errno
import os
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from executor.errors import OutsideWorkspace, ToolFailure
from executor.workspace import files
from executor.workspace.files import FileBytes, Recent
from executor.workspace.names import from_printable, printable
from executor.workspace.near import near_misses
from executor.workspace.resolved import FOLDER_FLAGS, Located, ResolvedPath, located
from executor.workspace.walk import Listing, Pruning, walk

_FOLDER_MODE = 0o777
_FILE_MODE = 0o666


class Workspace:
    """Everything that touches the project's files goes through one of these.

    Paths are strings relative to the root, with '/', or absolute ones beneath it; printable forms
    of odd names are understood. Methods block, and are safe to call from several threads. All but
    `resolve` raise ToolFailure, whose text is for the model.
    """

    def __init__(self, root: Path) -> None:
        """Open `root`; raises OSError where it is no folder that can be read."""
        self.root = root.resolve(strict=True)
        self._roots = (self.root, Path(os.path.abspath(root)))
        self._handle = os.open(self.root, FOLDER_FLAGS)
        self._changing = threading.RLock()
        self._recent = Recent()
        # There is no other way to ask for it; another thread must not make files meanwhile.
        self._umask = os.umask(0o077)
        os.umask(self._umask)

    @property
    def shown_root(self) -> str:
        """The root's absolute path, printable."""
        return printable(str(self.root))

    def close(self) -> None:
        """Give the root's handle back; nothing else may be called afterwards."""
        os.close(self._handle)

    def resolve(self, path: str) -> ResolvedPath:
        """Where `path` leads, without opening what is there.

        Raises OutsideWorkspace where it leads out of the project, and where it can't be followed.
        """
        try:
            with self._located_raw(path) as found:
                return found.path
        except OSError as error:
            name = printable(path)
            raise OutsideWorkspace(f"{name} can't be followed: {error.strerror}") from error

    def read(self, path: str, limit: int = files.READ_MAX) -> FileBytes:
        """A regular file whole, at most `limit` bytes of it.

        Failures: not_found, is_folder, not_a_file, too_large, outside_workspace, unreadable.
        """
        with self._located(path) as found:
            match found.path.kind:
                case "folder":
                    raise ToolFailure(
                        "is_folder", f"{found.path.shown} is a folder: list it with ReadFolder."
                    )
                case "missing":
                    raise self._not_found(found)
                case "file" | "other":
                    read = files.read_regular(found.folder, found.rest[0], found.path.shown, limit)
                    self._recent.keep(read)
                    return read

    def read_if_exists(self, path: str) -> FileBytes | None:
        """Like `read`, with None for a file that is not there."""
        return self.read(path) if self._exists(path) else None

    def read_quietly(self, parts: tuple[str, ...], limit: int) -> bytes | None:
        """The file at real `parts`, in a search: None for what is gone, moved or too large."""
        handle = self._handle
        opened: list[int] = []
        try:
            for name in parts[:-1]:
                handle = os.open(name, FOLDER_FLAGS, dir_fd=handle)
                opened.append(handle)
            return files.read_regular(handle, parts[-1], "", limit).content
        except (OSError, ToolFailure):
            return None
        finally:
            for folder in opened:
                os.close(folder)

    def existing(self, path: str) -> ResolvedPath:
        """Like `resolve`, with the failures not_found and outside_workspace."""
        with self._located(path) as found:
            if not found.path.exists:
                raise self._not_found(found)
            return found.path

    def write(self, path: str, content: bytes) -> str:
        """Create or replace a file atomically, folders on the way included; its real path, shown.

        Failures: is_folder, not_a_file, outside_workspace, unwritable, no_space.
        """
        with self._changing, self._located(path) as found:
            if found.path.kind in ("folder", "other"):
                raise ToolFailure(
                    "not_a_file", f"{found.path.shown} is not a file: it can't be written."
                )
            if found.path.kind == "file" and not os.access(
                found.rest[0], os.W_OK, dir_fd=found.folder, effective_ids=True
            ):
                raise ToolFailure("unwritable", f"{found.path.shown} is write-protected.")
            with self._made(found) as folder:
                files.replace(folder, found.rest[-1], content, _FILE_MODE & ~self._umask)
            return found.path.shown

    def read_before(self, digest: str) -> bytes | None:
        """The bytes with that digest, if they were read not long ago."""
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
        with self._located_folder(path) as found:
            yield found.folder

    def walk(self, path: str, pruning: Pruning) -> Listing:
        """What lies below the folder `path`, ignore rules applied; see `walk` for the bounds.

        Failures: those of `folder`.
        """
        with self._located_folder(path) as found:
            return walk(self._handle, found.folder, found.path.real, pruning)

    @contextmanager
    def _located_folder(self, path: str) -> Generator[Located]:
        with self._located(path) as found:
            if found.path.kind == "missing":
                raise self._not_found(found)
            if found.path.kind != "folder":
                raise ToolFailure("not_a_folder", f"{found.path.shown} is not a folder.")
            yield found

    def _exists(self, path: str) -> bool:
        with self._located(path) as found:
            return found.path.exists

    @contextmanager
    def _located(self, path: str) -> Generator[Located]:
        try:
            with self._located_raw(path) as found:
                yield found
        except OutsideWorkspace as error:
            raise ToolFailure("outside_workspace", f"{error}.") from error
        except OSError as error:
            raise _failure(path, error) from error

    @contextmanager
    def _located_raw(self, path: str) -> Generator[Located]:
        with located(self._handle, self._roots, self._meant(path)) as found:
            yield found

    def _meant(self, path: str) -> str:
        """`path`, or what its printable form stands for where only that exists."""
        original = from_printable(path)
        if original == path:
            return path
        with located(self._handle, self._roots, path) as literal:
            if literal.path.exists:
                return path
        with located(self._handle, self._roots, original) as meant:
            return original if meant.path.exists else path

    @contextmanager
    def _made(self, found: Located) -> Generator[int]:
        """The folder of the last of `found.rest`, made where it is missing."""
        handle = os.dup(found.folder)
        try:
            for name in found.rest[:-1]:
                with suppress(FileExistsError):
                    os.mkdir(name, _FOLDER_MODE, dir_fd=handle)
                below = os.open(name, FOLDER_FLAGS, dir_fd=handle)
                os.close(handle)
                handle = below
            yield handle
        finally:
            os.close(handle)

    def _not_found(self, found: Located) -> ToolFailure:
        near = near_misses(self._handle, found)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        return ToolFailure("not_found", f"{found.path.shown} does not exist.{hint}")


def _failure(path: str, error: OSError) -> ToolFailure:
    """What the model can do about an error of the operating system."""
    name = printable(path)
    match error.errno:
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return ToolFailure("permission", f"{name}: {error.strerror}.")
        case errno.ENOSPC | errno.EDQUOT:
            return ToolFailure("no_space", f"{name} was not written: {error.strerror}.")
        case errno.ENOTDIR:
            return ToolFailure("not_found", f"{name} runs through something that is no folder.")
        case errno.ELOOP | errno.ENOENT | errno.EEXIST:
            return ToolFailure("changed", f"{name} is being changed by somebody else; try again.")
        case _:
            return ToolFailure("unreadable", f"{name}: {error.strerror or error}.")
