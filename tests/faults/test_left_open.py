"""`codegen -c` and `--resume` behind a `kill -9`: what was open is said, and goes on."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from executor.failpoints import VARIABLE
from maestro.bootstrap import open_ledger
from maestro.settings import Backends
from tests.e2e.machine import Machine
from tests.e2e.test_terminal import ENTER, on_terminal
from tests.faults.executor_kills import KILLED
from tests.faults.work import DONE, Work, effects
from tests.interaction.world import World, world
from tests.requirements import covers

FLAGS = ("--mode", "auto", "--no-sandbox", "--server")
OPEN = "a run of this session is open: it goes on"


@asynccontextmanager
async def killed(machine: Machine, folder: Path, failpoint: str) -> AsyncGenerator[World]:
    """A world in which a `codegen` has been killed at `failpoint`."""
    async with world(folder, Work(steps=1)) as here:
        ran = await machine.codegen(*FLAGS, here.address, "work-1", **{VARIABLE: failpoint})
        assert ran.code == KILLED, ran.err
        yield here


@covers("R-ONCE-4")
@pytest.mark.parametrize("failpoint", ["before_send:1", "after_send:1", "recv_frame:1"])
async def test_a_session_without_a_name_yet_is_the_same_session_when_it_is_continued(
    failpoint: str, machine: Machine, tmp_path: Path
) -> None:
    async with killed(machine, tmp_path, failpoint) as here:
        listed = await machine.codegen("sessions", "list")
        went_on = await machine.codegen(*FLAGS, here.address, "-c")
        over = await machine.codegen(*FLAGS, here.address, "-c")
        async with open_ledger(Backends(state=tmp_path / "maestro")) as ledger:
            (session,) = await ledger.list_sessions("local")

    assert "work-1" in listed.out
    assert (went_on.code, went_on.out.splitlines()[-1]) == (0, DONE), went_on.err
    assert went_on.err.splitlines()[0] == OPEN
    assert (session.title, session.status) == ("work-1", "completed")
    assert effects(machine.project) == ["work-1.0"]
    assert over.code == 2
    assert "no run of this session is open" in over.complaint


@covers("R-ONCE-4")
async def test_on_a_terminal_an_open_run_comes_before_the_prompt(
    machine: Machine, tmp_path: Path
) -> None:
    def at_the_terminal(address: str) -> bytes:
        with on_terminal(machine, *FLAGS, address, "-c") as program:
            program.read_until(OPEN.encode())
            program.read_until(DONE.encode())
            program.read_until(b"tokens")
            program.write(b"/quit" + ENTER)
            program.read_to_end()
            return program.output

    async with killed(machine, tmp_path, "after_exit:2") as here:
        shown = await asyncio.to_thread(at_the_terminal, here.address)

    assert b"echo work-1.0 | tee" in shown  # the call that was under way, by its command
    assert effects(machine.project) == ["work-1.0"]
