"""What stands at one path at one moment, and the change from one state to another.

Values and their bytes in the store; reads no file.
"""

from collections.abc import Sequence

import msgspec

from executor.snapshots.derived import is_derived


class Saved(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="file"):
    """A file whose bytes the store keeps."""

    mode: int
    """Permission bits, set-id and sticky included."""
    size: int
    digest: bytes
    """SHA-256 of its bytes."""


class Folder(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="folder"):
    mode: int


class Link(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="link"):
    target: bytes


class Unsaved(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="unsaved"):
    """A file that is too large to be kept, or can't be read."""

    mode: int
    size: int
    mtime_ns: int


class Missing(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="missing"):
    """There is nothing."""


State = Saved | Folder | Link | Unsaved | Missing
MISSING = Missing()


class Change(msgspec.Struct, frozen=True):
    """What became of one path, relative to the root, with '/'."""

    path: str
    before: State
    after: State


_ENCODER = msgspec.msgpack.Encoder()
_DECODER: msgspec.msgpack.Decoder[State] = msgspec.msgpack.Decoder(State)


def encoded(state: State) -> bytes:
    return _ENCODER.encode(state)


def decoded(content: bytes) -> State:
    """Raises msgspec.DecodeError for what `encoded` never made."""
    return _DECODER.decode(content)


def counted(changes: Sequence[Change]) -> list[Change]:
    """Those that are told and counted: files and links that are somebody's work; folders only
    where there is nothing else."""
    own = [change for change in changes if not is_derived(change.path)]
    files = [
        change
        for change in own
        if not (isinstance(change.before, Folder) or isinstance(change.after, Folder))
    ]
    return files or own


def same_kind(one: State, other: State) -> bool:
    """Both are files, or both folders, links or nothing."""
    return _kind(one) is _kind(other)


def _kind(state: State) -> type[State]:
    return Saved if isinstance(state, Unsaved) else type(state)
