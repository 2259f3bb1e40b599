"""Become a confined command: what a forked process does to itself, and then its exec.

Imports nothing but the standard library, as the wardens' program does that it is part of; what
is enforced was settled elsewhere. Returns only by raising OSError.
"""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import struct
from binascii import a2b_base64

from executor.sandbox.c_library import c_function, in_place, last_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from executor.sandbox.requests import Opened, Request, Restrictions

    Call = Callable[..., int]

_PR_SET_NO_NEW_PRIVS, _PR_CAPBSET_DROP, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 38, 24, 47, 4
_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2
_LANDLOCK_CREATE_RULESET, _LANDLOCK_ADD_RULE, _LANDLOCK_RESTRICT_SELF = 444, 445, 446
_RULE_PATH_BENEATH = 1
_OPENAT2, _AT_FDCWD = 437, -100
_RESOLVE_BENEATH, _RESOLVE_NO_SYMLINKS = 0x08, 0x04
_CAPABILITY_VERSION_3 = 0x20080522
_CAPSET = {"x86_64": 126, "aarch64": 91}
_CAPABILITIES = 64
_FIRST_SPARE = 64
_RULE = struct.Struct("=Qi")
FILE_RIGHTS = 0b1100_0000_0000_0111
"""Those that Landlock takes for what is no folder."""
OOM_SCORE = b"500"
"""When memory runs out, a command goes before whatever its user works with."""


def opened(request: Request) -> list[tuple[int, int]]:
    """Open what the request names: handle, and the number it is wanted under. Raises OSError."""
    return [(out_of_the_way(_handle(item)), item["number"]) for item in request.get("opened", ())]


def _handle(item: Opened) -> int:
    if item.get("written"):
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(item["path"], flags, 0o600)
    return _identified(item["path"], item["identity"])


def out_of_the_way(handle: int) -> int:
    """The same, under a number that nothing is wanted under. Raises OSError."""
    return fcntl.fcntl(handle, fcntl.F_DUPFD_CLOEXEC, _FIRST_SPARE)


def become(request: Request, restrictions: Restrictions) -> None:
    """Restrict this process and turn it into the command. Raises OSError."""
    prctl, syscall = c_function("prctl"), c_function("syscall")
    _limit(restrictions["limits"])
    _go_first()
    ruleset = _ruleset(syscall, restrictions)
    _drop_capabilities(prctl, syscall)
    _checked(prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    _checked(syscall(_LANDLOCK_RESTRICT_SELF, ruleset, 0))
    os.close(ruleset)
    _install(prctl, a2b_base64(restrictions["filter"]))
    os.execvpe(request["argv"][0], request["argv"], request["environment"])


def _go_first() -> None:
    try:
        handle = os.open("/proc/self/oom_score_adj", os.O_WRONLY | os.O_CLOEXEC)
        os.write(handle, OOM_SCORE)  # a text file's encoding would be imported in each child
        os.close(handle)
    except OSError:
        pass  # where there is no such file, the kernel chooses


def _limit(limits: Mapping[str, int]) -> None:
    for name, wanted in limits.items():
        kind = getattr(resource, name)
        _, most = resource.getrlimit(kind)
        value = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
        resource.setrlimit(kind, (value, value))


def _ruleset(syscall: Call, restrictions: Restrictions) -> int:
    attributes = struct.pack(
        "=QQQ", restrictions["handled_fs"], restrictions["handled_net"], restrictions["scoped"]
    )
    ruleset = _checked(syscall(_LANDLOCK_CREATE_RULESET, attributes, len(attributes), 0))
    project = _identified(restrictions["project"], restrictions["identity"])
    for grant in restrictions["grants"]:
        try:
            handle = _beneath(syscall, project, grant["path"])
        except FileNotFoundError:  # what is gone by now needs no rights
            continue
        try:
            _add(syscall, ruleset, handle, grant["rights"])
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            _add(syscall, ruleset, handle, grant["rights"] & FILE_RIGHTS)  # it became a file
        os.close(handle)
    os.close(project)
    return ruleset


def _add(syscall: Call, ruleset: int, handle: int, rights: int) -> None:
    rule = _RULE.pack(rights, handle)
    _checked(syscall(_LANDLOCK_ADD_RULE, ruleset, _RULE_PATH_BENEATH, rule, 0))


def _beneath(syscall: Call, project: int, path: str) -> int:
    if path.startswith("/"):
        return os.open(path, os.O_PATH | os.O_CLOEXEC)
    how = struct.pack("=QQQ", os.O_PATH | os.O_CLOEXEC, 0, _RESOLVE_BENEATH | _RESOLVE_NO_SYMLINKS)
    return _checked(syscall(_OPENAT2, project, os.fsencode(path or "."), how, len(how)))


def _identified(path: str, identity: Sequence[int] | None) -> int:
    """A handle of `path`, which must be the file or folder of this identity."""
    flags = os.O_RDONLY if identity is None else os.O_PATH | os.O_DIRECTORY
    handle = os.open(path, flags | os.O_CLOEXEC)
    if identity is not None:
        found = os.fstat(handle)
        if [found.st_dev, found.st_ino] != list(identity):
            os.close(handle)
            raise FileNotFoundError(2, "another folder stands in the project's place", path)
    return handle


def _drop_capabilities(prctl: Call, syscall: Call) -> None:
    """Root keeps its name and its files, and nothing that goes beyond them."""
    prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    for capability in range(_CAPABILITIES):
        prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)  # EPERM where there is none to drop
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    _checked(syscall(_CAPSET[os.uname().machine], header, bytes(24)))


def _install(prctl: Call, program: bytes) -> None:
    held, address = in_place(program)
    filter_program = struct.pack("@HP", len(program) // 8, address)
    _checked(prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, filter_program, 0, 0))
    del held  # the kernel has its own copy


def _checked(result: int) -> int:
    if result < 0:
        number = last_error()
        raise OSError(number, os.strerror(number))
    return result
