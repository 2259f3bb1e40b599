"""The `codegen` program: its first breath, and the one place where Ctrl-C ends it.

Imports nothing of weight itself: whoever presses Ctrl-C while a program starts gets no traceback.
"""

import gc
import sys
from collections.abc import Sequence

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `codegen`; returns the exit code that docs/cli.md lists."""
    gc.disable()  # what is loaded is no garbage; `dispatch` enables it when all is there
    try:
        from executor.cli.dispatch import run

        return run(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
