"""What Linux tells of running processes: their tree, their processor time, their memory.

Reads /proc and nothing else; a process that ends while it is read counts as gone.
"""

import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
MB = 1_000_000


@dataclass(frozen=True)
class Process:
    pid: int
    parent: int
    cpu_s: float
    """Its own and that of the children it has waited for."""


def read_process(pid: int) -> Process | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text[text.rindex(")") + 2 :].split()
    if fields[0] == "Z":
        return None
    return Process(pid, int(fields[1]), sum(map(int, fields[11:15])) * TICK_S)


def trees(roots: Iterable[int]) -> dict[int, Process]:
    """Every process at or below `roots`, by pid."""
    pids = (int(name) for name in os.listdir("/proc") if name.isdigit())
    alive = {pid: process for pid in pids if (process := read_process(pid))}
    below: dict[int, list[int]] = {}
    for process in alive.values():
        below.setdefault(process.parent, []).append(process.pid)
    found: dict[int, Process] = {}
    waiting = [root for root in roots if root in alive]
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found[pid] = alive[pid]
            waiting += below.get(pid, ())
    return found


def cpu_seconds(roots: Iterable[int]) -> float:
    return sum(process.cpu_s for process in trees(roots).values())


def resident_mb(pid: int) -> float:
    """What lies in memory, shared pages included; 0 for one that is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / MB


def end(pid: int, patience_s: float = 10.0) -> None:
    """Ask the process to end, whoever's child it is; kill it when it does not."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            if read_process(pid) is None:
                return
            time.sleep(0.005)


def pss_mb(pids: Iterable[int]) -> float:
    """Memory really taken: a page that several processes share is counted once among them."""
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total * 1024 / MB
