"""Read a part of what a command has written, from memory or from its file.

Offsets are bytes of the whole output; what the bytes mean is told elsewhere.
"""

import os

import msgspec

from executor.process.command import Captured


class Part(msgspec.Struct, frozen=True):
    """Where the part begins, which may be later than was wished, and its bytes."""

    start: int
    content: bytes

    @property
    def end(self) -> int:
        return self.start + len(self.content)


def part(output: Captured, start: int, limit: int) -> Part:
    """At most `limit` bytes from `start` on, or from the first byte behind it that is kept."""
    in_file = _from_file(output, start, limit)
    if in_file:
        return Part(start, in_file)
    if start < len(output.head):
        return Part(start, output.head[start : start + limit])
    start = min(max(start, output.total_bytes - len(output.tail)), output.total_bytes)
    skipped = start - (output.total_bytes - len(output.tail))
    return Part(start, output.tail[skipped : skipped + limit])


def _from_file(output: Captured, start: int, limit: int) -> bytes:
    """Nothing where the file is gone, or ends before `start`."""
    if output.spill is None:
        return b""
    try:
        handle = os.open(output.spill, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.pread(handle, limit, start)
    except OSError:
        return b""
    finally:
        os.close(handle)
