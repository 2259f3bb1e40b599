"""Be nobody in particular for a moment, also where the tests run as root.

Holds for the whole process: nothing else may run meanwhile.
"""

import os
from collections.abc import Generator
from contextlib import contextmanager

NOBODY = 65534


@contextmanager
def unprivileged() -> Generator[None]:
    """Root's powers over files are laid down inside; whoever has none keeps what they are."""
    if os.geteuid() != 0:
        yield
        return
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)
