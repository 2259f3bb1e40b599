"""Commands run, bounded in memory and time, and nothing of them is left."""

import asyncio
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from executor.process.command import Command, Exited, Lost, NotStarted, Signalled
from executor.process.processes import Processes
from executor.process.survivors import marked
from tests.executor.process.polling import until
from tests.requirements import covers

OWNER = f"test-{os.getpid()}"


@pytest.fixture
async def processes() -> AsyncIterator[Processes]:
    processes = Processes(OWNER, os.environ)
    yield processes
    await processes.close()


def _shell(folder: int, line: str, timeout_s: float = 30, spill: Path | None = None) -> Command:
    return Command(("/bin/sh", "-c", line), folder, "call", timeout_s, spill=spill)


def _zombies_and_children() -> list[str]:
    """States of this process's children, the warden's own program apart."""
    listing = subprocess.run(
        ["ps", "-ww", "-o", "stat=,args=", "--ppid", str(os.getpid())],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    return [
        row
        for row in listing.splitlines()
        if "process import warden" not in row and "ps -ww" not in row
    ]


async def test_a_program_that_is_not_there_is_not_started(
    processes: Processes, folder: int
) -> None:
    ended = await processes.run(Command(("no-such-program",), folder, "call", 5))

    assert ended.outcome == NotStarted("No such file or directory")


async def test_a_file_that_is_no_program_is_not_started(
    processes: Processes, folder: int, tmp_path: Path
) -> None:
    (tmp_path / "f").write_text("")
    ended = await processes.run(Command((str(tmp_path / "f"),), folder, "call", 5))

    assert ended.outcome == NotStarted("Permission denied")


async def test_arguments_arrive_byte_for_byte(processes: Processes, folder: int) -> None:
    odd = os.fsdecode(b"caf\xe9 'x' \"y\" \n$z")
    ended = await processes.run(Command(("/usr/bin/printf", "%s", odd), folder, "call", 5))

    assert ended.output.head == os.fsencode(odd)


async def test_a_long_command_line_arrives(processes: Processes, folder: int) -> None:
    ended = await processes.run(_shell(folder, f": {'x' * 100_000}; echo end"))

    assert (ended.outcome, ended.output.head) == (Exited(0), b"end\n")


@covers("R-PROC-2")
async def test_three_hundred_megabytes_of_output_cost_little_memory(
    processes: Processes, folder: int, tmp_path: Path
) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    ended = await processes.run(_shell(folder, "yes | head -c 300M", spill=tmp_path))

    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert ended.output.total_bytes == 300 << 20
    assert grown_kib < 50 * 1024
    assert ended.output.spill is not None
    assert ended.output.spill.stat().st_size == 64 << 20
    assert ended.output.spill_note == "its first 67,108,864 bytes"


async def test_the_loop_goes_on_while_output_pours_in(processes: Processes, folder: int) -> None:
    task = asyncio.create_task(processes.run(_shell(folder, "yes | head -c 100M")))
    longest = 0.0
    while not task.done():
        started = time.thread_time()
        await asyncio.sleep(0)
        longest = max(longest, time.thread_time() - started)

    assert longest < 0.2


async def test_a_full_spill_folder_is_told(processes: Processes, folder: int) -> None:
    ended = await processes.run(_shell(folder, "seq 1 100000", spill=Path("/proc")))

    assert ended.output.spill is None
    assert ended.output.spill_note.startswith("not all of it: ")


async def test_live_output_is_bounded_and_says_what_it_left_out(
    processes: Processes, folder: int
) -> None:
    shown: list[str] = []

    await processes.run(_shell(folder, "yes | head -c 50M"), lambda _, text: shown.append(text))

    assert sum(map(len, shown)) < 2 << 20
    assert any("characters not shown live" in text for text in shown)


async def test_orphans_leave_no_zombies(processes: Processes, folder: int) -> None:
    before = _zombies_and_children()  # servers that other tests share
    line = "for i in 1 2 3 4 5; do (setsid sh -c 'sleep 0.05' &) ; done; sleep 0.2"
    for _ in range(5):
        assert (await processes.run(_shell(folder, line))).outcome == Exited(0)

    assert [row for row in _zombies_and_children() if row not in before] == []


async def test_many_commands_at_once_all_end(processes: Processes, folder: int) -> None:
    ended = await asyncio.gather(
        *(processes.run(_shell(folder, f"sleep 0.05; echo {n}")) for n in range(40))
    )

    assert [one.output.head for one in ended] == [f"{n}\n".encode() for n in range(40)]


async def test_a_bounded_fork_bomb_is_ended(processes: Processes, folder: int) -> None:
    line = "f() { [ $1 -gt 0 ] || exec sleep 60; f $(($1-1)) & f $(($1-1)) & wait; }; f 7"

    ended = await processes.run(_shell(folder, line, timeout_s=1))

    assert ended.duration_ms < 20_000
    assert marked(f"{OWNER}.call") == []


async def test_closing_ends_what_runs(folder: int) -> None:
    processes = Processes(OWNER, os.environ)
    task = asyncio.create_task(processes.run(_shell(folder, "trap '' TERM; sleep 60")))
    await until(lambda: marked(f"{OWNER}.call"))

    started = time.monotonic()
    await processes.close()

    assert time.monotonic() - started < 15
    assert marked(f"{OWNER}.call") == []
    assert isinstance((await task).outcome, Signalled | Lost)


async def test_a_watcher_that_is_killed_leaves_nothing_running(
    processes: Processes, folder: int
) -> None:
    ended = await processes.run(_shell(folder, "kill -9 $PPID; sleep 60"))

    assert ended.outcome == Lost()
    assert marked(f"{OWNER}.call") == []


async def test_after_the_wardens_program_was_killed_another_one_is_started(
    processes: Processes, folder: int
) -> None:
    shown = await processes.run(_shell(folder, "ps -o ppid= -p $PPID"))
    program = int(shown.output.head)
    os.kill(program, signal.SIGKILL)
    await until(lambda: not _is_alive(program))

    assert (await processes.run(_shell(folder, "echo x"))).output.head == b"x\n"


async def test_survivors_are_found_by_their_mark(processes: Processes) -> None:
    environment = {"CODEGEN_CALL": f"{OWNER}.old"}
    with subprocess.Popen(["sleep", "60"], env=environment, start_new_session=True) as survivor:
        # The kernel says that it was started a moment before its environment can be read.
        await until(lambda: marked(f"{OWNER}.old"))
        assert await processes.end_survivors("other") == 0
        assert await processes.end_survivors("old") == 1

        assert survivor.wait(5) == -signal.SIGKILL


async def test_a_cancelled_wait_for_a_slot_starts_nothing(
    processes: Processes, folder: int
) -> None:
    running = [asyncio.create_task(processes.run(_shell(folder, "sleep 60"))) for _ in range(17)]
    await until(lambda: marked(f"{OWNER}.call"))
    for task in running:
        task.cancel()

    ended = await asyncio.gather(*running, return_exceptions=True)

    assert all(isinstance(one, asyncio.CancelledError) for one in ended)
    assert marked(f"{OWNER}.call") == []


EXECUTOR = """
import asyncio, os, sys
from executor.process.command import Command
from executor.process.processes import Processes
async def main():
    processes = Processes(sys.argv[1], os.environ)
    folder = os.open("/", os.O_RDONLY)
    line = "(setsid sh -c 'trap \\"\\" TERM; sleep 60' &); env -i setsid sleep 60 & sleep 60"
    await processes.run(Command(("/bin/sh", "-c", line), folder, "call", 60))
asyncio.run(main())
"""


@covers("R-PROC-1")
async def test_commands_end_with_an_executor_that_is_killed() -> None:
    owner = f"{OWNER}-killed"
    executor = subprocess.Popen(
        [sys.executable, "-c", EXECUTOR, owner], env=os.environ | {"CODEGEN_NOISE": owner}
    )
    await until(lambda: len(marked(f"{owner}.call")) >= 3)
    below = _below(executor.pid)

    executor.kill()
    executor.wait()

    assert len(below) >= 5
    await until(lambda: not any(map(_is_alive, below)))


def _below(pid: int) -> list[int]:
    children = subprocess.run(
        ["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False
    ).stdout.split()
    return [below for child in map(int, children) for below in (child, *_below(child))]


def _is_alive(pid: int) -> bool:
    try:
        return " Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2][:3]
    except OSError:
        return False
