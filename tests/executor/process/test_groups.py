"""Commands that belong to a control group, from their first moment on."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from executor.process.command import Command, Ended, NotStarted
from executor.process.processes import Processes
from executor.process.programs import shell_argv
from executor.sandbox.launch import Launch
from executor.sandbox.limits import Group
from executor.sandbox.premises import Bounds
from executor.sandbox.unconfined import Unconfined
from tests.executor.process.polling import until

SHOWN = "cat /proc/self/cgroup"
WARDENS_PROGRAM = "ps -o ppid= -p $PPID"


class Grouped(Unconfined):
    """No sandbox but a group."""

    def __init__(self, join: tuple[str, ...]) -> None:
        self._join = join

    @asynccontextmanager
    async def around(
        self, argv: tuple[str, ...], environment: Mapping[str, str], folder: int
    ) -> AsyncGenerator[Launch]:
        del folder
        yield Launch(argv, environment, join=self._join)


@pytest.fixture
def group() -> Iterator[Group]:
    group = Group(f"codegen-test-{os.getpid()}", Bounds(processes=64))
    if not group.join:
        pytest.skip("this user may not make a control group here")
    yield group
    group.close()


@pytest.fixture
async def processes(group: Group) -> AsyncIterator[Processes]:
    processes = Processes("test-groups", os.environ, None, Grouped(group.join))
    yield processes
    await processes.close()


def _name(group: Group) -> bytes:
    return Path(group.join[0]).parent.name.encode()


async def _run(processes: Processes, folder: int, line: str, *, confined: bool = True) -> Ended:
    return await processes.run(Command(shell_argv(line), folder, "call", 20, confined=confined))


async def test_confined_commands_are_born_into_their_group_and_others_are_not(
    processes: Processes, folder: int, group: Group
) -> None:
    for confined in (False, True, True, False):
        ended = await _run(processes, folder, SHOWN, confined=confined)
        assert (_name(group) in ended.output.head) is confined


async def test_a_group_is_entered_once_and_not_by_each_command(
    processes: Processes, folder: int
) -> None:
    forked_by = {(await _run(processes, folder, WARDENS_PROGRAM)).output.head for _ in range(3)}

    assert len(forked_by) == 1
    assert (await _run(processes, folder, WARDENS_PROGRAM, confined=False)).output.head not in (
        forked_by
    )


async def test_after_the_groups_program_was_killed_another_one_enters(
    processes: Processes, folder: int, group: Group
) -> None:
    first = int((await _run(processes, folder, WARDENS_PROGRAM)).output.head)
    os.kill(first, signal.SIGKILL)
    await until(lambda: str(first) not in Path(group.join[0]).read_text().split())

    ended = await _run(processes, folder, f"{SHOWN}; {WARDENS_PROGRAM}")
    assert _name(group) in ended.output.head
    assert int(ended.output.head.split()[-1]) != first


async def test_a_group_without_room_starts_nothing_and_goes_on_when_there_is(
    processes: Processes, folder: int, group: Group
) -> None:
    await _run(processes, folder, "true")
    bound = Path(group.join[0]).with_name("pids.max")
    before = bound.read_text()
    bound.write_text("1")
    for _ in range(3):  # the warden that is there, then those that can't be forked
        ended = await _run(processes, folder, "true")
        assert ended.outcome == NotStarted(os.strerror(errno.EAGAIN))

    bound.write_text(before)
    ended = await _run(processes, folder, "echo x")
    for _ in range(3):  # some may be refused still: that was settled before
        if ended.output.head:
            break
        ended = await _run(processes, folder, "echo x")
    assert ended.output.head == b"x\n"


async def test_what_a_command_in_a_group_leaves_is_ended_with_it(
    processes: Processes, folder: int
) -> None:
    ended = await _run(processes, folder, "(setsid sleep 60 >/dev/null 2>&1 &) ; echo started")

    assert ended.output.head == b"started\n"
    assert ended.left_behind == 1


EXECUTOR = """
import asyncio, os, sys
from executor.process.command import Command
from executor.process.processes import Processes
from tests.executor.process.test_groups import Grouped
async def main():
    processes = Processes("test-groups-killed", os.environ, None, Grouped((sys.argv[1],)))
    line = "(setsid sleep 60 &); env -i setsid sleep 60 & sleep 60"
    await processes.run(Command(("/bin/sh", "-c", line), os.open("/", os.O_RDONLY), "call", 60))
asyncio.run(main())
"""


async def test_nobody_is_left_in_a_group_whose_executor_was_killed(group: Group) -> None:
    def members() -> list[str]:
        return Path(group.join[0]).read_text().split()

    with subprocess.Popen([sys.executable, "-c", EXECUTOR, group.join[0]]) as executor:
        await until(lambda: len(members()) >= 6)
        executor.kill()

    await until(lambda: not members())


async def test_nobody_is_left_in_a_group_when_its_session_is_closed(
    folder: int, group: Group
) -> None:
    processes = Processes("test-groups-2", os.environ, None, Grouped(group.join))
    await _run(processes, folder, "true")
    assert Path(group.join[0]).read_text()
    await processes.close()

    assert Path(group.join[0]).read_text() == ""


async def test_a_group_that_is_gone_starts_nothing_outside_of_it(folder: int, group: Group) -> None:
    processes = Processes("test-groups-3", os.environ, None, Grouped(group.join))
    group.close()

    with pytest.raises(OSError, match="No such file"):
        await _run(processes, folder, "true")
    assert (await _run(processes, folder, "echo x", confined=False)).output.head == b"x\n"
    await processes.close()
