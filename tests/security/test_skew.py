"""Programs of different ages work together, or say what to do."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import machine
from tests.e2e.machine import Machine, ended
from tests.requirements import covers
from tests.security.evil_maestro.server import evil_maestro
from tests.security.skew import FIRST, LAST, SIDES, Side, has, played, unpack

__all__ = ["machine"]


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not has(FIRST):
        pytest.skip(f"a shallow clone: its history does not go back to {FIRST}")
    folder = tmp_path_factory.mktemp("old")
    unpack(FIRST, folder)
    told = subprocess.run(
        [sys.executable, "-P", "-c", "import executor, maestro; print(executor.__file__)"],
        env={"PYTHONPATH": str(folder), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.startswith(str(folder)), "the old tree is what would run"
    return folder


@covers("R-SKEW-1")
@pytest.mark.parametrize("side", SIDES)
async def test_an_earlier_program_does_its_work_with_this_one(
    side: Side, old: Path, machine: Machine
) -> None:
    machine.project.rmdir()
    ran, content = await played(old, side, machine.folder)
    assert (ran.code, content) == (0, LAST), ran.err
    assert ran.out == "All done.\n"


@covers("R-SKEW-2")
async def test_another_version_of_the_protocol_ends_at_once_in_words_that_say_what_to_do(
    machine: Machine,
) -> None:
    async with evil_maestro() as maestro:
        machine.use_server(maestro.address, "token-0000")
        over = asyncio.ensure_future(ended(await machine.start("do it")))
        victim = await maestro.victim()
        await victim.start(protocol_version=2)
        ran = await over
        assert maestro.victims == 1
    assert ran.code == 6
    assert "another version of the protocol: update the older side" in ran.complaint
    assert "version 2 is not spoken here, only 1" in ran.complaint


@covers("R-SKEW-2")
async def test_what_a_later_maestro_says_beside_what_is_known_is_passed_over(
    machine: Machine,
) -> None:
    (machine.project / "a.txt").write_text("here\n")
    async with evil_maestro() as maestro:
        machine.use_server(maestro.address, "token-0000")
        over = asyncio.ensure_future(ended(await machine.start("do it")))
        victim = await maestro.victim()
        await victim.start(limits={"max_frame_bytes": 1 << 20, "of_later": 1}, of_later={"x": []})
        await victim.send("of_later", {"deep": [{"x": None}]}, seq=50, of_later=True)
        told = await victim.done("t1", "ReadFile", {"file_path": "a.txt"}, of_later=[1])
        assert told["status"] == "success"
        assert (await victim.done("t2", "OfLater", {}))["status"] == "error"
        await victim.finish()
        assert (await over).code == 0
