"""What lives below this process: count it, and send it a signal.

Part of the wardens' program: imports next to nothing.
"""

import os


def signal_all(command: int, number: int) -> None:
    """Every process that `command` has left, itself included."""
    below = _descendants()
    if below is None:
        below = [-command]  # its process group
    for pid in below:
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            pass


def counted() -> int:
    """How many processes the command has left; what only holds a namespace together is none."""
    below = _descendants()
    if below is None:
        return 1
    return sum(1 for pid in below if not _holds_a_namespace(pid))


def _holds_a_namespace(pid: int) -> bool:
    """Whether `pid` is the first process of a process namespace below this one's."""
    for line in _read(f"/proc/{pid}/status").split(b"\n"):
        if line.startswith(b"NSpid:"):
            numbers = line.split()[1:]
            return len(numbers) > 1 and numbers[-1] == b"1"
    return False


def _descendants() -> list[int] | None:
    """Every living process below this one; None where the system does not tell."""
    parents: dict[int, list[int]] = {}
    try:
        names = os.listdir("/proc")
    except OSError:
        return None
    for name in names:
        stat = _read(f"/proc/{name}/stat") if name.isdigit() else b""
        if stat:
            state, parent = stat.rpartition(b")")[2].split()[:2]
            if state != b"Z":
                parents.setdefault(int(parent), []).append(int(name))
    found: list[int] = []
    todo = [os.getpid()]
    while todo:
        below = parents.get(todo.pop(), [])
        found += below
        todo += below
    return found


def _read(path: str) -> bytes:
    """The file's content; nothing of a process that is gone."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""
