"""A warden is used again, keeps nothing of the command before, and is missed when it is gone."""

import asyncio
import itertools
import os
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from executor.process.command import Command, Ended, Exited, NotStarted
from executor.process.nursery import Nursery
from executor.process.processes import Processes
from executor.sandbox.launch import Launch
from executor.sandbox.unconfined import Unconfined
from tests.executor.process.polling import until

OWNER = f"wardens-{os.getpid()}"
PARENT = 'echo "$PPID"'
OWN_HANDLES = 12
"""More than a warden has open while it waits, fewer than ten commands bring."""


class InGroup(Unconfined):
    """Has commands join control groups in turn, which are plain files here."""

    def __init__(self, *groups: Path) -> None:
        self._groups = itertools.cycle(groups)

    @asynccontextmanager
    async def around(
        self, argv: tuple[str, ...], environment: Mapping[str, str], folder: int
    ) -> AsyncGenerator[Launch]:
        del folder
        yield Launch(argv, environment, join=(str(next(self._groups)),))


@pytest.fixture
async def nursery() -> Nursery:
    return Nursery()


@pytest.fixture
async def processes(nursery: Nursery) -> AsyncIterator[Processes]:
    processes = Processes(OWNER, os.environ, nursery)
    yield processes
    await processes.close()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[int]:
    handle = os.open(tmp_path, os.O_RDONLY)
    yield handle
    os.close(handle)


async def run(processes: Processes, folder: int, line: str) -> Ended:
    return await processes.run(Command(("/bin/sh", "-c", line), folder, "call", 10))


async def warden_of(processes: Processes, folder: int) -> int:
    """Which process has watched one more command."""
    return int((await run(processes, folder, PARENT)).output.head)


def handles_of(pid: int) -> list[str]:
    return [os.readlink(f"/proc/{pid}/fd/{name}") for name in os.listdir(f"/proc/{pid}/fd")]


def below(pid: int) -> set[int]:
    children: set[int] = set()
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            parent = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue
        if int(parent) == pid:
            children.add(int(name))
    return children


async def program_of(processes: Processes, folder: int) -> int:
    """The process that forks the wardens."""
    warden = await warden_of(processes, folder)
    return int(Path(f"/proc/{warden}/stat").read_text().rpartition(")")[2].split()[1])


async def test_one_command_after_the_other_takes_no_fork(processes: Processes, folder: int) -> None:
    assert len({await warden_of(processes, folder) for _ in range(20)}) <= 5


async def test_commands_at_one_time_have_a_warden_each(processes: Processes, folder: int) -> None:
    waiting = f"{PARENT}; until test -e go; do sleep 0.01; done"
    runs = [asyncio.create_task(run(processes, folder, waiting)) for _ in range(6)]
    program = await program_of(processes, folder)
    await until(lambda: sum(len(below(pid)) for pid in below(program)) == 6)
    os.close(os.open("go", os.O_CREAT, dir_fd=folder))
    ended = await asyncio.gather(*runs)

    assert len({one.output.head for one in ended}) == 6


async def test_no_warden_is_forked_for_a_command_that_does_not_come(
    processes: Processes, folder: int
) -> None:
    long = await run(processes, folder, f"sleep 0.3; {PARENT}; ps -o ppid= -p $PPID")
    warden, program = map(int, long.output.head.split())

    assert below(program) == {warden}


async def test_nothing_of_a_command_stays_with_its_warden(
    processes: Processes, folder: int
) -> None:
    for _ in range(10):
        await run(processes, folder, "(exec sleep 60 >/dev/null 2>&1 &) ; echo x >&2")
        failed = await processes.run(Command(("no-such-program",), folder, "call", 10))
        assert failed.outcome == NotStarted("No such file or directory")
    warden = await warden_of(processes, folder)

    await until(lambda: len(handles_of(warden)) <= OWN_HANDLES)
    assert os.readlink(f"/proc/{warden}/cwd") == "/"
    assert below(warden) == set()


async def test_a_command_finds_nothing_open_of_the_ones_before(
    processes: Processes, folder: int
) -> None:
    for _ in range(5):
        await run(processes, folder, "true")
    seen = await run(processes, folder, "ls -1 /proc/self/fd; readlink /proc/self/fd/0")

    assert seen.output.head.split() == [b"0", b"1", b"2", b"3", b"/dev/null"]  # 3: ls's own


async def test_wardens_that_are_killed_while_nothing_runs_are_replaced(
    processes: Processes, folder: int
) -> None:
    program = await program_of(processes, folder)
    for _ in range(3):
        for warden in below(program):
            os.kill(warden, signal.SIGKILL)
        assert await warden_of(processes, folder) in below(program)


async def test_a_warden_that_waits_long_enough_goes(folder: int) -> None:
    processes = Processes(OWNER, os.environ, Nursery(idle_seconds=0.05))
    try:
        used = await warden_of(processes, folder)
        await until(lambda: not Path(f"/proc/{used}").exists())
        assert await warden_of(processes, folder) != used
    finally:
        await processes.close()


async def test_wardens_in_a_group_are_used_again_and_only_there(
    folder: int, tmp_path: Path
) -> None:
    group = tmp_path / "cgroup.procs"
    group.touch()
    processes = Processes(OWNER, os.environ, confinement=InGroup(group))
    try:
        inside = {await warden_of(processes, folder) for _ in range(6)}
        free = Command(("/bin/sh", "-c", PARENT), folder, "call", 10, confined=False)
        outside = int((await processes.run(free)).output.head)
    finally:
        await processes.close()

    assert len(inside) <= 2
    assert outside not in inside
    assert group.read_text() == "0"


async def test_a_command_has_its_warden_though_the_next_one_is_for_another_group(
    folder: int, tmp_path: Path
) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.touch()
    other.touch()
    processes = Processes(OWNER, os.environ, confinement=InGroup(one, one, one, other))
    waiting = Command(
        ("/bin/sh", "-c", "until test -e go; do sleep 0.01; done"), folder, "call", 60
    )
    short = Command(("/bin/sh", "-c", "true"), folder, "call", 60)
    try:
        program = await program_of(processes, folder)
        busy = await processes.start(waiting)
        os.kill(program, signal.SIGSTOP)  # so that it sees all that follows at once
        started = [await processes.start(short) for _ in ("one", "other")]
        os.kill(program, signal.SIGCONT)
        async with asyncio.timeout(20):
            ended = [await running.ended for running in started]
        os.close(os.open("go", os.O_CREAT, dir_fd=folder))
        ended.append(await busy.ended)
    finally:
        await processes.close()

    assert [one.outcome for one in ended] == [Exited(0)] * 3


async def test_all_wardens_end_with_the_session(folder: int) -> None:
    processes = Processes(OWNER, os.environ)
    program = await program_of(processes, folder)
    wardens = below(program)
    assert wardens
    await processes.close()

    assert not any(Path(f"/proc/{pid}").exists() for pid in (program, *wardens))


async def test_commands_are_watched_though_the_wardens_program_is_gone(
    processes: Processes, folder: int
) -> None:
    line = "touch began; until test -e go; do sleep 0.01; done; (sleep 60 &) ; echo done"
    running = asyncio.create_task(run(processes, folder, line))
    program = await program_of(processes, folder)
    await until(lambda: "began" in os.listdir(folder))
    os.kill(program, signal.SIGKILL)
    os.close(os.open("go", os.O_CREAT, dir_fd=folder))
    ended = await running

    assert (ended.output.head, ended.left_behind) == (b"done\n", 1)
