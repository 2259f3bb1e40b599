"""Functions of the C library that Python has no name for.

Takes of ctypes what is written in C: the rest is a quarter of what the wardens load.
"""

from __future__ import annotations

import _ctypes
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from ctypes import Array, c_char
else:

    class c_char(_ctypes._SimpleCData):
        _type_ = "c"


class _Function(_ctypes.CFuncPtr):
    """Takes whole numbers, bytes and None, and returns an `int`, as C has it."""

    _flags_ = _ctypes.FUNCFLAG_CDECL | _ctypes.FUNCFLAG_USE_ERRNO


def c_function(name: str) -> Callable[..., int]:
    """The function of that name; `last_error` tells why it failed. Raises OSError without one."""
    program = _ctypes.dlopen(None, os.RTLD_NOW)  # pyright: ignore[reportArgumentType]: as in ctypes
    return _Function(_ctypes.dlsym(program, name))


def last_error() -> int:
    """The `errno` that the last of them left."""
    return _ctypes.get_errno()


def in_place(content: bytes) -> tuple[Array[c_char], int]:
    """A copy that has an address as long as it is held, and that address."""
    held = (c_char * len(content)).from_buffer_copy(content)
    return held, _ctypes.addressof(held)
