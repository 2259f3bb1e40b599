"""Give a file that replaces another one the mode, owner and extended attributes of that one.

Works on handles; what can't be had without privileges is left out, never refused.
"""

import os
import stat
import sys
from contextlib import suppress

_NOT_KEPT = frozenset({"security.capability", "security.ima", "security.evm"})
"""What holds for the bytes and not for the name: whoever changes the bytes loses it."""
_READ_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY | os.O_CLOEXEC
_SET_ID = stat.S_ISUID | stat.S_ISGID


def take_after(handle: int, status: os.stat_result, folder: int, name: str) -> None:
    """Make the open file `handle` like `name` in `folder`, whose status is `status`."""
    mode = stat.S_IMODE(status.st_mode)
    if not _owned_alike(handle, status):
        mode &= ~_SET_ID  # it would run as somebody else
    os.fchmod(handle, mode)
    _copy_attributes(handle, folder, name)


def _owned_alike(handle: int, status: os.stat_result) -> bool:
    """Give `handle` the owner and the group of `status`, or the group alone; whether both are."""
    for owner in (status.st_uid, -1):
        with suppress(PermissionError):
            os.fchown(handle, owner, status.st_gid)
            break
    got = os.fstat(handle)
    return (got.st_uid, got.st_gid) == (status.st_uid, status.st_gid)


def _copy_attributes(handle: int, folder: int, name: str) -> None:
    if sys.platform != "linux":  # pragma: no cover - Python knows no such attributes elsewhere
        return
    try:
        old = os.open(name, _READ_FLAGS, dir_fd=folder)
    except OSError:
        return  # not readable: its attributes are not either
    try:
        with suppress(OSError):  # a file system without them
            for attribute in set(os.listxattr(old)) - _NOT_KEPT:
                with suppress(OSError):
                    os.setxattr(handle, attribute, os.getxattr(old, attribute))
    finally:
        os.close(old)
