"""What a short hash may mean in a repository: from its own files, git is not run.

Understands loose objects and packs of SHA-1 (index version 2); of any other nothing is known.
"""

import os
import re
import zlib
from pathlib import Path
from typing import Literal

import msgspec

from executor.policy.tracked import opened, repository_of

Kind = Literal["commit", "tree", "blob", "tag"]

MAX_PACKS = 64
MAX_MEANT = 16
"""Objects that one short hash may mean."""
MAX_DELTAS = 300
"""Objects that one in a pack is told by, one after the other."""
_LOOSE = re.compile(rb"(commit|tree|blob|tag) ")
_KINDS: dict[int, Kind] = {1: "commit", 2: "tree", 3: "blob", 4: "tag"}
_NAMES: dict[bytes, Kind] = {kind.encode(): kind for kind in _KINDS.values()}
_BY_OFFSET, _BY_HASH = 6, 7
_HASH = 20
_TABLE = 8
"""Where an index's table of first bytes begins, behind its mark and version."""
_HASHES = _TABLE + 4 * 256
_HEAD_MAX = 64
_LOOSE_MAX = 1024
"""Bytes of a compressed object that surely hold its head: the table of its code comes first."""


class _UnknownError(Exception):
    """The repository is not kept in a form that is understood."""


def kinds_of(root: Path, hexadecimal: str) -> frozenset[Kind] | None:
    """Of all objects whose hash begins so, four digits at least; None where that can't be told."""
    repository = repository_of(root)
    if repository is None:
        return None
    objects = repository / "objects"
    if os.path.lexists(objects / "info" / "alternates"):
        return None
    try:
        found = _loose(objects, hexadecimal.lower()) | _packed(objects, hexadecimal.lower())
    except (OSError, IndexError, ValueError, zlib.error, _UnknownError):
        return None
    return frozenset(found)


def _loose(objects: Path, hexadecimal: str) -> set[Kind]:
    folder = objects / hexadecimal[:2]
    if not folder.is_dir():
        return set()
    names = [name for name in os.listdir(folder) if name.startswith(hexadecimal[2:])]
    return {_loose_kind(folder / name) for name in names[: MAX_MEANT + 1]}


def _loose_kind(file: Path) -> Kind:
    with opened(file) as content:
        head = zlib.decompressobj().decompress(content.read(_LOOSE_MAX), _HEAD_MAX)
    match = _LOOSE.match(head)
    if match is None:
        raise _UnknownError
    return _NAMES[match[1]]


def _packed(objects: Path, hexadecimal: str) -> set[Kind]:
    folder = objects / "pack"
    names = os.listdir(folder) if folder.is_dir() else []
    packs = [name for name in names if name.endswith(".pack")]
    if len(packs) > MAX_PACKS:
        raise _UnknownError
    found: set[Kind] = set()
    for name in packs:
        pack = folder / name
        with opened(pack.with_suffix(".idx")) as index, opened(pack) as content:
            found |= _Pack(index.fileno(), content.fileno()).kinds(hexadecimal)
    if not found and any(name.endswith(".promisor") for name in names):
        raise _UnknownError  # git fetches what is missing
    return found


class _Pack(msgspec.Struct, frozen=True):
    index: int
    content: int

    def kinds(self, hexadecimal: str) -> set[Kind]:
        return {self._kind(offset) for offset in self._offsets(hexadecimal)}

    def _offsets(self, hexadecimal: str) -> list[int]:
        head = os.pread(self.index, _HASHES, 0)
        if head[:_TABLE] != b"\xfftOc\0\0\0\2" or len(head) != _HASHES:
            raise _UnknownError
        count = int.from_bytes(head[-4:], "big")
        self._check_size(count)
        first = int(hexadecimal[:2], 16)
        low = int.from_bytes(head[_TABLE + 4 * (first - 1) :][:4], "big") if first else 0
        high = int.from_bytes(head[_TABLE + 4 * first :][:4], "big")
        at = self._first(hexadecimal, low, high)
        found: list[int] = []
        for number in range(at, min(at + MAX_MEANT, high)):
            if not self._hash(number).startswith(hexadecimal):
                break
            found.append(self._offset(number, count))
        return found

    def _check_size(self, count: int) -> None:
        """Each object has a hash, a checksum and an offset; a few have a longer one."""
        rest = os.fstat(self.index).st_size - _HASHES - count * (_HASH + 8) - 2 * _HASH
        if not 0 <= rest <= 8 * count or rest % 8:
            raise _UnknownError

    def _first(self, hexadecimal: str, low: int, high: int) -> int:
        while low < high:
            middle = (low + high) // 2
            if self._hash(middle) < hexadecimal:
                low = middle + 1
            else:
                high = middle
        return low

    def _hash(self, number: int) -> str:
        return os.pread(self.index, _HASH, _HASHES + _HASH * number).hex()

    def _offset(self, number: int, count: int) -> int:
        offsets = _HASHES + count * (_HASH + 4)
        offset = int.from_bytes(os.pread(self.index, 4, offsets + 4 * number), "big")
        if offset < 1 << 31:
            return offset
        longer = offsets + 4 * count + 8 * (offset - (1 << 31))
        return int.from_bytes(os.pread(self.index, 8, longer), "big")

    def _kind(self, offset: int) -> Kind:
        """Of the object there, or of the one that it is told by."""
        for _ in range(MAX_DELTAS):
            head = os.pread(self.content, _HEAD_MAX, offset)
            number = head[0] >> 4 & 7
            if number in _KINDS:
                return _KINDS[number]
            at = [byte < 0x80 for byte in head].index(True) + 1
            if number == _BY_OFFSET:
                offset -= _distance(head, at)
            elif number == _BY_HASH:
                (offset,) = self._offsets(head[at : at + _HASH].hex())
            else:
                break
        raise _UnknownError


def _distance(head: bytes, at: int) -> int:
    """To the object that this one is told by; each further byte counts from one."""
    distance = head[at] & 0x7F
    while head[at] & 0x80:
        at += 1
        distance = (distance + 1) << 7 | head[at] & 0x7F
    return distance


def may_hold_file(root: Path, hexadecimal: str) -> bool:
    """Whether an object whose hash begins so may be what a file held, or a tag of that."""
    kinds = kinds_of(root, hexadecimal)
    return kinds is None or not kinds <= {"commit", "tree"}
