"""Which rights Landlock gives a command, as rules over the files that are there.

Rights add up downwards: what is beneath a granted folder can't be taken out again. So a folder
that holds something apart is not granted itself; what stands in it is, one by one.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from executor.sandbox.c_library import c_function
from executor.sandbox.enforce import FILE_RIGHTS
from executor.sandbox.launch import Grant

ABI_MIN = 6
"""With which signals and abstract sockets stay within (Linux 6.12)."""

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, REMOVE_DIR, REMOVE_FILE = (1 << n for n in range(6))
MAKE_CHAR, MAKE_DIR, MAKE_REG, MAKE_SOCK, MAKE_FIFO, MAKE_BLOCK = (1 << n for n in range(6, 12))
MAKE_SYM, REFER, TRUNCATE, IOCTL_DEV = (1 << n for n in range(12, 16))

LIST = READ_DIR
READ = READ_FILE | READ_DIR | EXECUTE
WRITE = (
    READ | WRITE_FILE | TRUNCATE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | MAKE_FIFO
    | MAKE_SOCK | MAKE_SYM | REFER
)  # fmt: skip
DEVICE = READ_FILE | WRITE_FILE | TRUNCATE | IOCTL_DEV
HANDLED = (1 << 16) - 1

BIND_TCP, CONNECT_TCP = 1, 2
SCOPE_ABSTRACT_SOCKETS, SCOPE_SIGNALS = 1, 2

_CREATE_RULESET, _VERSION = 444, 1


def abi() -> int:
    """The version that this kernel speaks; 0: none."""
    return max(0, c_function("syscall")(_CREATE_RULESET, None, 0, _VERSION))


class Tree(msgspec.Struct, frozen=True):
    """A folder of which parts are treated apart."""

    folder: Path
    apart: frozenset[str]
    """Paths relative to `folder`; what is above one is granted piece by piece."""
    less: int
    """The rights of what is apart; 0: none."""
    prefix: str
    """Before a path in a grant: `/`, or nothing for the project's own."""

    def grants(self, rights: int) -> Iterator[Grant]:
        """`rights` on everything that is not apart."""
        above = {str(parent) for path in self.apart for parent in Path(path).parents}
        waiting = [("", True)]
        while waiting:
            path, is_folder = waiting.pop()
            most = HANDLED if is_folder else FILE_RIGHTS
            if path in self.apart:
                if self.less:
                    yield Grant(self.prefix + path, self.less & most)
            elif (path or ".") not in above:
                yield Grant(self.prefix + path, rights & most)
            else:
                yield Grant(self.prefix + path, LIST)
                waiting += self._inside(path)

    def _inside(self, path: str) -> list[tuple[str, bool]]:
        with os.scandir(self.folder / path) as entries:
            found = [(entry.name, entry.is_dir()) for entry in entries if not entry.is_symlink()]
        return [(f"{path}/{name}" if path else name, folder) for name, folder in sorted(found)]
