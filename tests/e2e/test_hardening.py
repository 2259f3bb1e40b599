"""What a running `codegen` holds, and who can see it."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.e2e.machine import Machine, ended
from tests.requirements import covers
from tests.security.evil_maestro.server import evil_maestro

TOKEN = "cg_token-of-the-user-0000"


@covers("R-HARD-1")
@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
async def test_its_token_is_in_no_argument_environment_core_or_file(machine: Machine) -> None:
    async with evil_maestro() as maestro:
        process = await machine.start(
            "--server", maestro.address, "--mode", "auto", "--no-sandbox", "do it",
            CODEGEN_TOKEN=TOKEN,
        )  # fmt: skip
        over = asyncio.ensure_future(ended(process))
        victim = await maestro.victim()
        await victim.start()
        look = "tr '\\\\0' ' ' < /proc/self/environ; echo \"core $(ulimit -c)\"; ps -eo args"
        told = await victim.done("t1", "Shell", {"command": look})
        status = Path(f"/proc/{process.pid}/status").read_text()
        limits = Path(f"/proc/{process.pid}/limits").read_text()
        owner = os.stat(f"/proc/{process.pid}/environ").st_uid
        await victim.finish()
        ran = await over

    (core,) = [line.split() for line in limits.splitlines() if line.startswith("Max core")]
    assert core[4] == "0"
    assert owner == 0
    assert "CoreDumping:\t0" in status
    assert TOKEN not in told["result"]
    assert "core 0\n" in told["result"]
    assert TOKEN not in ran.out + ran.err
    kept = [file for file in machine.folder.rglob("*") if file.is_file()]
    assert [file for file in kept if TOKEN in file.read_bytes().decode("latin-1")] == []


@covers("R-HARD-1")
@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
async def test_a_hardened_process_is_not_dumpable() -> None:
    program = (
        "import ctypes, resource; from executor.process.hardening import harden; harden(); "
        "print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), resource.getrlimit(resource.RLIMIT_CORE)[0])"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert out == b"0 0\n"
