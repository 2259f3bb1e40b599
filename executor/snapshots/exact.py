"""Look at a path, and put a state there, exactly: by handles from the root, no link followed.

Knows nothing of checkpoints; where a folder on the way is a link or a file, nothing is done.
"""

import errno
import os
import re
import secrets
import stat
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress

from executor.errors import SnapshotError, ToolFailure
from executor.snapshots.states import MISSING, Folder, Link, Missing, Saved, State, Unsaved
from executor.workspace import files
from executor.workspace.files import digest_of, read_regular
from executor.workspace.names import printable
from executor.workspace.resolved import FOLDER_FLAGS

FILE_MAX = files.READ_MAX
"""Bytes of the largest file that is kept."""
TEMPORARY = re.compile(r"\.codegen-[0-9a-f]{16}\.tmp")
"""What a process that was killed in the middle of a write has left."""
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

Save = Callable[[bytes, bytes], None]
"""Keep a content under its digest."""


@contextmanager
def folder_of(root: int, path: str) -> Generator[tuple[int, str]]:
    """The handle of the folder that holds `path`, and its last name.

    Raises FileNotFoundError where a folder on the way is missing, NotADirectoryError where
    something else is in its place, and other OSErrors.
    """
    *above, name = path.split("/")
    handle = os.dup(root)
    try:
        for part in above:
            try:
                below = os.open(part, FOLDER_FLAGS, dir_fd=handle)
            except OSError as error:
                if error.errno == errno.ELOOP:
                    raise NotADirectoryError(errno.ENOTDIR, "a link is in the way", path) from error
                raise
            os.close(handle)
            handle = below
        yield handle, name
    finally:
        os.close(handle)


def state_at(root: int, path: str, save: Save | None = None) -> State:
    """What stands at `path`; a file's bytes go to `save`. Missing, too, behind what is no folder.

    Raises OSError for what can't be looked at.
    """
    try:
        with folder_of(root, path) as (folder, name):
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
            return state_of(folder, name, status, save)
    except (FileNotFoundError, NotADirectoryError):
        return MISSING


def state_of(folder: int, name: str, status: os.stat_result, save: Save | None) -> State:
    """The state of a name whose status was just read. Raises OSError where it changes meanwhile."""
    mode = status.st_mode
    if stat.S_ISDIR(mode):
        return Folder(stat.S_IMODE(mode))
    if stat.S_ISLNK(mode):
        return Link(os.fsencode(os.readlink(name, dir_fd=folder)))
    unsaved = Unsaved(stat.S_IMODE(mode), status.st_size, status.st_mtime_ns)
    if not stat.S_ISREG(mode) or status.st_size > FILE_MAX:
        return unsaved
    try:
        content = read_regular(folder, name, name, FILE_MAX)
    except (PermissionError, ToolFailure):
        return unsaved
    digest = bytes.fromhex(digest_of(content))
    if save is not None:
        save(digest, content)
    return Saved(stat.S_IMODE(mode), len(content), digest)


def below(root: int, path: str) -> Generator[str]:
    """Every path below the folder `path`, deepest first; links are not followed."""
    with folder_of(root, path) as (folder, name):
        handle = os.open(name, FOLDER_FLAGS, dir_fd=folder)
    try:
        with os.scandir(handle) as entries:
            found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    finally:
        os.close(handle)
    for entry, is_folder in found:
        if is_folder:
            yield from below(root, f"{path}/{entry}")
        yield f"{path}/{entry}"


def remove(root: int, path: str, *, is_folder: bool) -> bool:
    """Take away what is there; False for a folder that still holds something."""
    try:
        with folder_of(root, path) as (folder, name):
            if is_folder:
                os.rmdir(name, dir_fd=folder)
            else:
                os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return True
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return False
        raise
    return True


def put(
    root: int, path: str, state: State, content: Callable[[bytes], bytes], *, synced: bool = True
) -> None:
    """Make `path` that state; what is there is of the same kind, or nothing.

    A folder is made with all rights of its owner; `set_mode` has the last word. `content` gives
    the bytes of a digest. A file is on disk where it is `synced`. Raises OSError.
    """
    with folder_of(root, path) as (folder, name):
        match state:
            case Saved(mode=mode, digest=digest):
                _put_file(folder, name, content(digest), mode, synced=synced)
            case Link(target=target):
                _put_link(folder, name, target)
            case Folder(mode=mode):
                with suppress(FileExistsError):
                    os.mkdir(name, 0o700, dir_fd=folder)
            case Missing() | Unsaved():
                raise SnapshotError(f"{printable(path)}: there is nothing kept to put there")


def set_mode(root: int, path: str, mode: int) -> None:
    """Give the folder `path` its mode. Raises OSError."""
    with folder_of(root, path) as (folder, name):
        handle = os.open(name, FOLDER_FLAGS, dir_fd=folder)
        try:
            os.fchmod(handle, mode)
        finally:
            os.close(handle)


def sweep(root: int, path: str) -> None:
    """Remove what a killed write has left beside `path`."""
    with (
        suppress(FileNotFoundError, NotADirectoryError),
        folder_of(root, path) as (folder, _),
    ):
        for name in os.listdir(folder):
            if TEMPORARY.fullmatch(name):
                os.unlink(name, dir_fd=folder)


def _put_file(folder: int, name: str, content: bytes, mode: int, *, synced: bool) -> None:
    """Unlike a tool's write it keeps nothing of the file that stands there, but its owner."""
    temporary = f".codegen-{secrets.token_hex(8)}.tmp"
    handle = os.open(temporary, _NEW, 0o600, dir_fd=folder)
    try:
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(handle, rest) :]
            with suppress(FileNotFoundError, PermissionError):
                before = os.stat(name, dir_fd=folder, follow_symlinks=False)
                os.fchown(handle, before.st_uid, before.st_gid)
            os.fchmod(handle, mode)
            if synced:
                os.fsync(handle)
        finally:
            os.close(handle)
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=folder)
        raise
    if synced:
        os.fsync(folder)


def _put_link(folder: int, name: str, target: bytes) -> None:
    temporary = f".codegen-{secrets.token_hex(8)}.tmp"
    os.symlink(target, os.fsencode(temporary), dir_fd=folder)
    try:
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        os.unlink(temporary, dir_fd=folder)
        raise
