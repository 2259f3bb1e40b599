"""Keep the head and the tail of what a command writes, and put the whole into a file.

Memory is bounded by head, tail and one read; what the bytes mean is told elsewhere.
"""

import os
import secrets
import time
from collections import deque
from pathlib import Path

from executor.process.command import SPILL_MAX, Captured

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Capture:
    """Takes chunks in the order in which they come."""

    def __init__(self, head_bytes: int, tail_bytes: int, spill: Path | None, name: str) -> None:
        self._head_bytes = head_bytes
        self._tail_bytes = tail_bytes
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._tail_size = 0
        self._total = 0
        self._spill = _Spill(spill, name) if spill is not None else None
        self.fed_at = time.monotonic()
        """When the last of it came, by the monotonic clock; at first, when it was made."""

    def feed(self, chunk: bytes) -> None:
        self.fed_at = time.monotonic()
        self._total += len(chunk)
        if self._spill is not None:
            if self._spill.is_open:
                self._spill.write(chunk)
            elif self._total > self._head_bytes + self._tail_bytes:
                self._spill.write(b"".join((self._head, *self._tail, chunk)))
        room = self._head_bytes - len(self._head)
        self._head += chunk[:room]
        if rest := chunk[room:]:
            self._tail.append(rest)
            self._tail_size += len(rest)
            while self._tail_size - len(self._tail[0]) >= self._tail_bytes:
                self._tail_size -= len(self._tail.popleft())

    def keep_all(self, tail_bytes: int) -> None:
        """From here on, let the file hold all there is, and the tail so much."""
        self._tail_bytes = max(tail_bytes, self._tail_bytes)
        if self._spill is not None and not self._spill.is_open:
            self._spill.write(b"".join((self._head, *self._tail)))

    def snapshot(self) -> Captured:
        """What has come so far."""
        tail = b"".join(self._tail)
        left_out = self._total - len(self._head) - self._tail_bytes
        if left_out > 0:
            tail = tail[-self._tail_bytes :] if self._tail_bytes else b""
        if self._spill is None:
            return Captured(bytes(self._head), tail, self._total)
        path = self._spill.path if self._spill.is_open else None
        return Captured(bytes(self._head), tail, self._total, path, self._spill.note)

    def finish(self) -> Captured:
        """The same, when no more will come."""
        if self._spill is not None:
            self._spill.close()
        return self.snapshot()


class _Spill:
    """A file that is made when the first bytes come, and never grows past SPILL_MAX."""

    def __init__(self, folder: Path, name: str) -> None:
        self.is_open = False
        self.note = ""
        self.path = folder / f"{name}.{secrets.token_hex(4)}.out"
        self._handle = -1
        self._room = SPILL_MAX

    def write(self, chunk: bytes) -> None:
        if self.note:
            return
        try:
            if not self.is_open:
                self._handle = os.open(self.path, _FLAGS, 0o600)
                self.is_open = True
            rest = memoryview(chunk)[: self._room]
            self._room -= len(rest)
            while rest:
                rest = rest[os.write(self._handle, rest) :]
        except OSError as error:
            self.note = f"not all of it: {error.strerror}"
            return
        if not self._room:
            self.note = f"its first {SPILL_MAX:,} bytes"

    def close(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
