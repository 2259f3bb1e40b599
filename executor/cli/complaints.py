"""Standard error that may be full, or closed by whoever read it.

What can't be said there is dropped: it is never a reason to end a run, or to change how it ended.
"""

import io
import os
import sys


class Complaints(io.TextIOWrapper):
    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError:
            self._lose()
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError:
            self._lose()

    def _lose(self) -> None:
        """From here on to nobody; also what is in the buffer."""
        nobody = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nobody, self.fileno())
        os.close(nobody)


def lose_complaints() -> None:
    """Make this process's standard error such a one, where it is a plain file, pipe or terminal."""
    there = sys.stderr
    if there is sys.__stderr__:
        sys.stderr = Complaints(there.buffer, there.encoding, there.errors, line_buffering=True)
