"""Read a part of what a command has written, from memory or from its file.

Offsets are bytes of the whole output; what the bytes mean is told elsewhere.
"""

import os
from collections.abc import Callable

import msgspec

from executor.process.command import Captured

NEAR = 4096
"""Bytes. Longer than any secret that is looked for, but for key blocks, which take as much."""
SHORT = 8
"""Bytes: an unfinished word of fewer is shown."""


Unfinished = Callable[[str], int]
"""How many characters at the end of a text may be the beginning of a secret."""


def nothing_unfinished(_text: str) -> int:
    return 0


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


def whole_words(content: bytes, *, full: bool, unfinished: Unfinished = nothing_unfinished) -> int:
    """How many bytes of a part to show, so that no word of it goes on in the next.

    `full`: it is as long as a part may be, and ends at a line's end if there is one near. Else more
    may follow at any moment: an unfinished word waits for its end, unless it is short. One that is
    longer than any secret is parted. What may be the beginning of a secret of several words waits
    for the rest.
    """
    end = _end_of_words(content, full=full)
    near = content[max(0, end - NEAR) : end].decode("utf-8", "replace")
    return end - len(near[len(near) - unfinished(near) :].encode())


def _end_of_words(content: bytes, *, full: bool) -> int:
    nearest = max(0, len(content) - NEAR)
    line = content.rfind(b"\n", nearest) + 1
    if full and line:
        return line
    if not content or content[-1:].isspace():
        return len(content)
    length = len(content[nearest:].rsplit(maxsplit=1)[-1])
    if length >= NEAR or (not full and length < SHORT):
        return len(content)
    return len(content) - length


def without_unfinished_word(output: Captured, unfinished: Unfinished) -> Captured:
    """What a command that runs has written, up to where `whole_words` has it end."""
    last = output.tail or output.head
    shown = last[: whole_words(last, full=False, unfinished=unfinished)]
    total = output.total_bytes - len(last) + len(shown)
    if output.tail:
        return msgspec.structs.replace(output, tail=shown, total_bytes=total)
    return msgspec.structs.replace(output, head=shown, total_bytes=total)


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
