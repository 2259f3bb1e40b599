"""What a hostile command tries, each in each sandbox: nothing is reached, nothing is changed."""

import asyncio
import subprocess
from collections.abc import Iterator

import pytest

from executor.process.command import TimedOut
from executor.process.survivors import marked
from tests.executor.process.polling import until
from tests.requirements import covers
from tests.security.sandbox.cell import PROCESSES, Cell
from tests.security.sandbox.probes import PROBES


@pytest.fixture
def watched() -> Iterator[int]:
    """A process of the same user's, outside."""
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process.pid
        assert process.poll() is None
        process.kill()


# Each probe is a test of its own, by name; what is special about some follows below.
_WITH_SERVERS = frozenset(
    {"http", "name_service", "shells_own_sockets", "ping", "local_servers", "file_sockets"}
    | {"abstract_sockets", "odd_families", "ipv6"}
)
_APART = frozenset({"kill_executor", "ptrace", "double_fork", "nohup", "fork_bomb"})


@covers("R-SANDBOX-1")
@pytest.mark.parametrize("probe", sorted(set(PROBES) - _WITH_SERVERS - _APART))
async def test_a_probe_reaches_nothing(cell: Cell, probe: str) -> None:
    await cell.attempt(PROBES[probe])


@covers("R-SANDBOX-2")
@pytest.mark.parametrize("probe", sorted(_WITH_SERVERS))
async def test_a_probe_of_the_network_reaches_nobody(cell: Cell, probe: str) -> None:
    await cell.serve()

    await cell.attempt(PROBES[probe])


@pytest.mark.parametrize("probe", ["kill_executor", "ptrace"])
async def test_a_probe_of_another_process_leaves_it_alone(
    cell: Cell, watched: int, probe: str
) -> None:
    written = await cell.attempt(PROBES[probe], watched=watched)

    assert probe != "kill_executor" or written.endswith("alive\n")


async def test_what_forks_twice_is_ended_with_its_command(cell: Cell) -> None:
    ended = await cell.ended(PROBES["double_fork"])

    assert ended.output.head == b"started\n"
    assert ended.left_behind == 1
    assert _of(cell) == []


async def test_what_ignores_hang_up_is_ended_at_the_time_out(cell: Cell) -> None:
    ended = await cell.ended(PROBES["nohup"], 0.5)

    assert ended.outcome == TimedOut(0.5)
    assert ended.duration_ms < 20_000
    assert _of(cell) == []


async def test_a_fork_bomb_meets_its_bound(cell: Cell) -> None:
    written = await cell.run(PROBES["fork_bomb"])

    assert 10 < int(written.split()[1]) < PROCESSES * 3
    assert _of(cell) == []


def _of(cell: Cell) -> list[int]:
    return marked(f"{cell.owner}.call")


async def test_handles_of_the_executor_are_not_inherited(cell: Cell) -> None:
    assert await cell.run(PROBES["inherited_handles"]) == "0 1 2 3 "


async def test_what_a_command_leaves_in_the_environment_is_gone_with_it(cell: Cell) -> None:
    await cell.attempt(PROBES["preload_later_tools"])

    assert await cell.run("echo $LD_PRELOAD $PAGER") == "cat\n"


async def test_a_home_of_the_sandboxs_own_is_kept_for_the_project(cell: Cell) -> None:
    assert await cell.run("echo kept > ~/note; cat ~/note") == "kept\n"
    assert await cell.run("cat ~/note") == "kept\n"
    assert not (cell.home / "note").exists()


async def test_a_cancelled_command_leaves_nothing_behind(cell: Cell) -> None:
    before = sorted(path.name for path in cell.root.iterdir())
    task = asyncio.create_task(cell.run("touch src/started; sleep 60"))
    await until((cell.root / "src" / "started").exists, seconds=10)
    task.cancel()

    assert isinstance((await asyncio.gather(task, return_exceptions=True))[0], BaseException)
    assert sorted(path.name for path in cell.root.iterdir()) == before
    assert _of(cell) == []
