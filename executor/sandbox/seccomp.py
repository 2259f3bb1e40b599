"""Which system calls a confined command may not make, and the BPF program that says so.

Makes bytes; installing them is for others. What is not named here is allowed: files and signals
are the business of mounts, namespaces and Landlock.
"""

import errno
import struct
from collections.abc import Sequence
from typing import Literal

import msgspec

from executor.sandbox.syscalls import AUDIT_ARCHITECTURES, NUMBERS

Sockets = Literal["own network", "shared network", "none"]
"""Of the families: a network namespace of one's own; the machine's network; nothing."""

AF_UNIX, AF_INET, AF_INET6, AF_NETLINK = 1, 2, 10, 16
NETLINK_ROUTE = 0
TIOCSTI, TIOCLINUX = 0x5412, 0x541C
SET_ID_BITS = 0o6000
O_CREAT = 0o100
NAMESPACE_FLAGS = 0x7E02_0080

_LOAD, _JUMP_EQUAL, _JUMP_ABOVE, _JUMP_BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERRNO = 0x7FFF_0000, 0x0005_0000
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16
_X32_BIT = 0x4000_0000

_NEVER = (
    # other processes
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp", "pidfd_getfd",
    "migrate_pages",
    # mounts and namespaces
    "mount", "umount2", "pivot_root", "chroot", "open_tree", "open_tree_attr", "move_mount",
    "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr", "setns",
    # doors past every other rule
    "io_uring_setup", "io_uring_enter", "io_uring_register", "open_by_handle_at", "keyctl",
    "add_key", "request_key", "bpf", "perf_event_open", "userfaultfd", "fanotify_init",
    # the machine itself
    "kexec_load", "kexec_file_load", "create_module", "init_module", "finit_module",
    "delete_module", "reboot", "swapon", "swapoff", "syslog", "acct", "quotactl", "quotactl_fd",
    "settimeofday", "clock_settime", "adjtimex", "clock_adjtime", "iopl", "ioperm", "modify_ldt",
    "sethostname", "setdomainname", "vhangup", "lookup_dcookie", "nfsservctl", "uselib",
    "_sysctl",
)  # fmt: skip
_SHARED_MEMORY = (
    "shmget", "shmat", "shmctl", "semget", "semop", "semctl", "semtimedop", "msgget", "msgsnd",
    "msgrcv", "msgctl", "mq_open",
)  # fmt: skip
"""Of the whole machine, where there is no namespace for it."""


class _Test(msgspec.Struct, frozen=True):
    """Of the low 32 bits of one argument."""

    argument: int
    kind: Literal["has bits", "is one of", "is none of"]
    values: tuple[int, ...]


class _Rule(msgspec.Struct, frozen=True):
    """The call fails with `error` when every test holds."""

    call: str
    tests: tuple[_Test, ...] = ()
    error: int = errno.EPERM


def program(machine: str, sockets: Sockets, *, own_ipc: bool) -> bytes | None:
    """The filter as an array of `struct sock_filter`; None for a machine that is not known."""
    numbers = NUMBERS.get(machine)
    if numbers is None:
        return None
    rules = [_Rule(name) for name in (_NEVER if own_ipc else (*_NEVER, *_SHARED_MEMORY))]
    rules += [*_ARGUMENTS, *_socket_rules(sockets)]
    code = [
        _step(_LOAD, _ARCHITECTURE_AT),
        _step(_JUMP_EQUAL, AUDIT_ARCHITECTURES[machine], 1, 0),
        _step(_RETURN, _ERRNO | errno.EPERM),
        _step(_LOAD, _NUMBER_AT),
    ]
    if machine == "x86_64":
        code += [_step(_JUMP_ABOVE, _X32_BIT, 0, 1), _step(_RETURN, _ERRNO | errno.EPERM)]
    for rule in rules:
        if rule.call in numbers:
            code += _assembled(rule, numbers[rule.call])
    return b"".join((*code, _step(_RETURN, _ALLOW)))


_ARGUMENTS = (
    _Rule("clone3", error=errno.ENOSYS),  # its flags lie in memory: libraries fall back to clone
    _Rule("openat2", error=errno.ENOSYS),  # so does the mode of what it makes
    _Rule("clone", (_Test(0, "has bits", (NAMESPACE_FLAGS & ~0xFF,)),)),
    _Rule("unshare", (_Test(0, "has bits", (NAMESPACE_FLAGS,)),)),
    _Rule("ioctl", (_Test(1, "is one of", (TIOCSTI, TIOCLINUX)),)),
    _Rule("prlimit64", (_Test(0, "is none of", (0,)),)),
    _Rule("chmod", (_Test(1, "has bits", (SET_ID_BITS,)),)),
    _Rule("fchmod", (_Test(1, "has bits", (SET_ID_BITS,)),)),
    _Rule("fchmodat", (_Test(2, "has bits", (SET_ID_BITS,)),)),
    _Rule("fchmodat2", (_Test(2, "has bits", (SET_ID_BITS,)),)),
    _Rule("creat", (_Test(1, "has bits", (SET_ID_BITS,)),)),
    _Rule("mknod", (_Test(1, "has bits", (SET_ID_BITS,)),)),
    _Rule("mknodat", (_Test(2, "has bits", (SET_ID_BITS,)),)),
    _Rule(
        "open", (_Test(1, "has bits", (O_CREAT,)), _Test(2, "has bits", (SET_ID_BITS,)))
    ),
    _Rule(
        "openat", (_Test(2, "has bits", (O_CREAT,)), _Test(3, "has bits", (SET_ID_BITS,)))
    ),
)  # fmt: skip


def _socket_rules(sockets: Sockets) -> list[_Rule]:
    match sockets:
        case "own network":
            families = (AF_UNIX, AF_INET, AF_INET6, AF_NETLINK)
        case "shared network":
            families = (AF_INET, AF_INET6)
        case "none":
            families = ()
    odd_netlink = (
        _Test(0, "is one of", (AF_NETLINK,)),
        _Test(2, "is none of", (NETLINK_ROUTE,)),
    )
    tests = (_Test(0, "is none of", families),) if families else ()
    return [_Rule("socket", tests), _Rule("socket", odd_netlink)]


def _assembled(rule: _Rule, number: int) -> list[bytes]:
    body: list[bytes] = []
    for test in reversed(rule.tests):
        body = _tested(test, body)
    if rule.tests:
        # A test that does not hold leads here, where the call's number is taken up again.
        size = _size(rule.tests)
        whole = [*body, _step(_RETURN, _ERRNO | rule.error), _step(_LOAD, _NUMBER_AT)]
        return [_step(_JUMP_EQUAL, number, 0, size + 2), *whole]
    return [_step(_JUMP_EQUAL, number, 0, 1), _step(_RETURN, _ERRNO | rule.error)]


def _size(tests: Sequence[_Test]) -> int:
    return sum(1 + len(test.values) for test in tests)


def _tested(test: _Test, rest: list[bytes]) -> list[bytes]:
    """The test, before `rest`; where it fails, on to what follows the rule's return."""
    miss = len(rest) + 1  # over the rest and the return
    steps = [_step(_LOAD, _ARGUMENTS_AT + 8 * test.argument)]
    count = len(test.values)
    for index, value in enumerate(test.values):
        left = count - index - 1
        match test.kind:
            case "has bits":
                steps.append(_step(_JUMP_BITS, value, 0, miss))
            case "is one of":
                steps.append(_step(_JUMP_EQUAL, value, left, 0 if left else miss))
            case "is none of":
                steps.append(_step(_JUMP_EQUAL, value, left + miss, 0))
    return [*steps, *rest]


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
