"""What is piped into `codegen`: `git diff | codegen "review this"`.

Reads standard input only where it is a pipe or a file, and no more than a prompt may hold.
"""

import os
import stat
import sys

from executor.errors import UsageError

MAX_BYTES = 512 * 1024


def piped_text() -> str:
    """The text, or nothing; raises UsageError for what is too long or no text."""
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (OSError, ValueError):
        return ""
    if not (stat.S_ISFIFO(mode) or stat.S_ISREG(mode) or stat.S_ISSOCK(mode)):
        return ""
    read = sys.stdin.buffer.read(MAX_BYTES + 1)
    if len(read) > MAX_BYTES:
        raise UsageError(
            f"standard input holds more than {MAX_BYTES:,} bytes: "
            "name the file in the prompt instead"
        )
    try:
        return read.decode().strip()
    except UnicodeDecodeError as error:
        raise UsageError(f"standard input is not UTF-8 text: {error}") from error
