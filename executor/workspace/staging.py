"""Change several files as one: everything is staged beside them before the first is touched.

A log is told what will be done and when it is decided, so that a later process can finish it. What
stands there and what is allowed is not asked here.
"""

import os
import secrets
import stat
from collections.abc import Generator, Iterable, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Protocol

import msgspec

from executor.errors import ToolFailure
from executor.failpoints import hit
from executor.workspace.files import Stamp, digest_of, stamp_of, status_of, write_temporary
from executor.workspace.resolved import FOLDER_FLAGS, Located
from executor.workspace.root import Root, failure_of

FOLDER_MODE = 0o777


class Change(msgspec.Struct, frozen=True):
    """What one path is to hold."""

    path: str
    content: bytes | None
    """None: the file goes."""
    expected: Stamp | None = None
    """The state that the file must still be in, MISSING for one that must not be there."""
    before: bytes | None = None
    """What it holds, where that is known: put back when a later change of the set fails."""
    like: str | None = None
    """For a file that is made: the path of the one whose mode and attributes it takes."""


class Staged(msgspec.Struct, frozen=True):
    """One change as a later process must know it."""

    path: str
    """Relative to the root, printable."""
    depth: int
    """How many names of `path` lead to the folder that holds the temporary file."""
    temporary: str
    """Its name; empty where the file goes."""
    old: str | None
    """SHA-256 of the bytes before; None where there is no file, or nobody looked."""
    new: str | None
    """SHA-256 of the bytes after; None where the file goes."""


class IntentLog(Protocol):
    """Told of one set of changes before they are made. Raises JournalError, which stops them."""

    def stage(self, staged: tuple[Staged, ...]) -> None:
        """These temporary files are about to be made; nothing has changed."""
        ...

    def decide(self) -> None:
        """They are on disk: from the return of this on, all of the set is to be done."""
        ...


class _Unlogged:
    def stage(self, staged: tuple[Staged, ...]) -> None:
        del staged

    def decide(self) -> None:
        pass


UNLOGGED: IntentLog = _Unlogged()


class Place(msgspec.Struct, frozen=True):
    """One change, and the folder that it is made from."""

    staged: Staged
    folder: int
    """A handle of the deepest folder of the path that exists."""
    rest: tuple[str, ...]
    """From there to the file."""
    real: tuple[str, ...]
    """From the root to the file."""


def commit(root: Root, changes: Sequence[Change], log: IntentLog, new_mode: int) -> None:
    """Make all `changes`, each of another file, or none; folders on the way are made.

    Where one fails, those before it are taken back. Raises ToolFailure, among them `stale` where a
    file is not in the state expected; JournalError of `log`.
    """
    with ExitStack() as handles:
        places = [_placed(root, change, handles) for change in changes]
        synced: list[int] = []
        log.stage(tuple(place.staged for place in places))
        with ExitStack() as undo:
            for place, change in zip(places, changes, strict=True):
                undo.callback(discard, place)
                with _failing(change.path):
                    _stage(root, place, change, new_mode)
            if len(places) > 1:
                _sync(place.folder for place in places)
            log.decide()
            hit("decided")
            for place, change in zip(places, changes, strict=True):
                with _failing(change.path), entered(place) as (folder, name):
                    before = status_of(folder, name)
                    _require_expected(place, change, before)
                    put(place, folder, name)
                    undo.callback(_put_back, place, change, before)
                    handles.callback(os.close, handle := os.dup(folder))
                    synced.append(handle)
            undo.pop_all()
        with _failing(changes[0].path):
            _sync(synced)
        hit("folders_synced")
        leave_no_empty_folder(
            root, (place.real[:-1] for place in places if not place.staged.temporary)
        )


def put(place: Place, folder: int, name: str) -> None:
    """Do one change that is staged: the file's old bytes or its new ones, never a mixture."""
    if place.staged.temporary:
        os.rename(place.staged.temporary, name, src_dir_fd=place.folder, dst_dir_fd=folder)
    else:
        os.unlink(name, dir_fd=folder)
    hit("renamed")


def discard(place: Place) -> None:
    """Take away the temporary file, if it is there."""
    if place.staged.temporary:
        with suppress(FileNotFoundError):
            os.unlink(place.staged.temporary, dir_fd=place.folder)


def leave_no_empty_folder(root: Root, left: Iterable[tuple[str, ...]]) -> None:
    """Take away the folders in `left` that a file which went was the last of, and those above
    likewise; some of them may be gone already."""
    for names in left:
        with suppress(OSError):  # it holds something, or is not to be touched: it stays
            for depth in range(len(names), 0, -1):
                with (
                    suppress(FileNotFoundError),
                    below(root.handle, names[: depth - 1], make=False) as folder,
                ):
                    os.rmdir(names[depth - 1], dir_fd=folder)


@contextmanager
def entered(place: Place) -> Generator[tuple[int, str]]:
    """A handle of the file's own folder, made where it is missing, and the file's name."""
    with below(place.folder, place.rest[:-1], make=True) as folder:
        yield folder, place.rest[-1]


@contextmanager
def below(folder: int, names: Sequence[str], *, make: bool) -> Generator[int]:
    """A handle of the folder that `names` lead to from `folder`, links not followed."""
    handle = os.dup(folder)
    try:
        for name in names:
            if make and status_of(handle, name) is None:
                with suppress(FileExistsError):
                    os.mkdir(name, FOLDER_MODE, dir_fd=handle)
                os.fsync(handle)
            inner = os.open(name, FOLDER_FLAGS, dir_fd=handle)
            os.close(handle)
            handle = inner
        yield handle
    finally:
        os.close(handle)


def _sync(folders: Iterable[int]) -> None:
    """Put on disk which names the folders hold, each folder once."""
    for folder in {os.fstat(folder).st_ino: folder for folder in folders}.values():
        os.fsync(folder)


def _placed(root: Root, change: Change, handles: ExitStack) -> Place:
    with root.located(change.path) as found:
        require_writable(found, goes=change.content is None)
        folder = os.dup(found.folder)
        handles.callback(os.close, folder)
        real = found.path.real
        old = None if change.before is None else digest_of(change.before)
        goes = change.content is None
        staged = Staged(
            path=found.path.shown,
            depth=len(real) - len(found.rest),
            temporary="" if goes else f".codegen-{secrets.token_hex(8)}.tmp",
            old=old,
            new=None if change.content is None else digest_of(change.content),
        )
        return Place(staged, folder, found.rest, real)


def require_writable(found: Located, *, goes: bool = False) -> None:
    """Raise ToolFailure not_a_file or unwritable for what can't be replaced, or taken away."""
    if found.path.kind in ("folder", "other"):
        raise ToolFailure("not_a_file", f"{found.path.shown} is not a file: it can't be written.")
    if found.path.kind == "file" and not os.access(
        found.rest[0], os.W_OK, dir_fd=found.folder, effective_ids=True
    ):
        raise ToolFailure("unwritable", f"{found.path.shown} is write-protected.")
    if goes and not os.access(".", os.W_OK | os.X_OK, dir_fd=found.folder, effective_ids=True):
        raise ToolFailure("unwritable", f"The folder of {found.path.shown} is write-protected.")


def _stage(root: Root, place: Place, change: Change, new_mode: int) -> None:
    if change.content is None:
        return
    name = place.staged.temporary
    if change.like is not None:
        with root.located(change.like) as model:
            like = (model.folder, model.rest[0]) if model.path.kind == "file" else None
            write_temporary(place.folder, name, change.content, new_mode, like)
    else:
        like = (place.folder, place.rest[0]) if len(place.rest) == 1 else None
        write_temporary(place.folder, name, change.content, new_mode, like)
    hit("tmp_written")


def _require_expected(place: Place, change: Change, now: os.stat_result | None) -> None:
    if change.expected is not None and stamp_of(now) != change.expected:
        raise ToolFailure(
            "stale",
            f"{place.staged.path} was changed by somebody else while it was being written; it was "
            "left as it is. Read it again before you change it.",
        )


def _put_back(place: Place, change: Change, before: os.stat_result | None) -> None:
    """Undo `put`; where nobody knows what was there, it stays."""
    with entered(place) as (folder, name):
        if before is None:
            os.unlink(name, dir_fd=folder)
        elif change.before is not None:
            temporary = f".codegen-{secrets.token_hex(8)}.tmp"
            mode = stat.S_IMODE(before.st_mode)
            write_temporary(folder, temporary, change.before, mode, (folder, name))
            os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    for made in range(len(place.rest) - 1, 0, -1):
        with suppress(OSError), below(place.folder, place.rest[: made - 1], make=False) as folder:
            os.rmdir(place.rest[made - 1], dir_fd=folder)


@contextmanager
def _failing(path: str) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise failure_of(path, error) from error
