"""Standard error as whole lines, to a disk that may be full.

A log that can't be written is counted, and never a reason to fail.
"""

import io
import os
import sys

MOST_CHARACTERS = 1024 * 1024
"""Of a line that has no end."""


class LogLines(io.TextIOBase):
    encoding = "utf-8"

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._line = ""
        self.dropped = 0
        """Writes that were refused since the last that was taken."""

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def writable(self) -> bool:
        return True

    def write(self, text: str, /) -> int:
        self._line += text
        if "\n" in text or len(self._line) > MOST_CHARACTERS:
            self.flush()
        return len(text)

    def flush(self) -> None:
        lines, self._line = self._line, ""
        if not lines:
            return
        told = f"{self.dropped} log lines were dropped\n" if self.dropped else ""
        try:
            rest = memoryview((told + lines).encode("utf-8", "backslashreplace"))
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
            self.dropped = 0
        except OSError:  # there is nowhere to say so but the next line that is taken
            self.dropped += 1


def log_by_lines() -> None:
    """Make this process's standard error such a one, unless somebody has replaced it."""
    if sys.stderr is sys.__stderr__:
        sys.stderr = LogLines(sys.stderr.fileno())
