"""Two names of a folder that change places all the time, in a process of its own."""

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

_RACER = """
import ctypes, os, sys
exchange = ctypes.CDLL(None).renameat2
one, other = map(os.fsencode, sys.argv[1:])
while True:
    exchange(-100, one, -100, other, 2)  # RENAME_EXCHANGE: both names are always there
"""


@contextmanager
def changing_places(one: Path, other: Path) -> Generator[None]:
    """As fast as the machine can."""
    command = [sys.executable, "-I", "-S", "-c", _RACER, str(one), str(other)]
    with subprocess.Popen(command) as racer:
        try:
            yield
        finally:
            racer.kill()
