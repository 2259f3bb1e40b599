"""The last state of a project that was seen, folder by folder, with what tells a file unchanged.

Values and their bytes in the store; compares nothing with the disk.
"""

import os

import msgspec

from executor.snapshots.states import State

StatKey = tuple[int, ...]
"""Mode, size, mtime, ctime and inode, the times in nanoseconds; of a folder its mode alone."""
NEVER: StatKey = ()
"""The key of what must be read again: it changed while, or just before, it was looked at."""


class Seen(msgspec.Struct, array_like=True, gc=False):
    """One name of a folder."""

    key: StatKey
    state: State | None
    """None: ignored, and known by its name alone."""


class Listing(msgspec.Struct, array_like=True):
    """The names of one folder."""

    rules: bytes = b""
    """Which ignore rules told the names apart."""
    names: dict[str, Seen] = msgspec.field(default_factory=dict[str, Seen])


Manifest = dict[str, Listing]
"""By the folder's path from the root, '' for the root itself."""


class _Stored(msgspec.Struct, array_like=True):
    rules: bytes
    names: dict[bytes, Seen]


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_Stored)


def encoded(listing: Listing) -> bytes:
    names = {os.fsencode(name): seen for name, seen in listing.names.items()}
    return _ENCODER.encode(_Stored(listing.rules, names))


def decoded(content: bytes) -> Listing:
    """Raises msgspec.DecodeError for what `encoded` never made."""
    stored = _DECODER.decode(content)
    fsdecode = os.fsdecode
    return Listing(stored.rules, {fsdecode(name): seen for name, seen in stored.names.items()})
