"""Full disks, real ones: the workspace's, the state folder's, the private maestro's own."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.machine import KEY, Machine, Ran, ended, installed, started
from tests.e2e.processes import until
from tests.faults.disks import need_small_disks, with_small_disk
from tests.requirements import covers
from tests.scripted_model import Recorded, Reply, ScriptedModel, call, calls, text

AUTO = ("--mode", "auto", "--no-sandbox")
BOUND_SECONDS = 60.0
FULL = Path("/dev/full")


@pytest.fixture
def small(machine: Machine, tmp_path: Path) -> Machine:
    need_small_disks(tmp_path / "disk")
    return machine


async def _ran(machine: Machine, disk: Path, kib: int, *arguments: str) -> Ran:
    command = with_small_disk(disk, kib, [*installed("codegen"), *arguments])
    return await ended(await started(command, machine.project, machine.environment))


def state(machine: Machine) -> Path:
    return Path(machine.environment["XDG_STATE_HOME"])


@covers("R-DISK-1")
async def test_a_private_maestro_whose_disk_is_full_says_so_at_its_start(small: Machine) -> None:
    async with ScriptedModel([text("never")]) as model:
        small.use_model(model.base_url)
        ran = await _ran(small, state(small), 512, *AUTO, "hello")

    assert (ran.code, ran.out, model.requests) == (2, "", [])
    assert "is full" in ran.err.splitlines()[-1]
    assert "codegen -c goes on" in ran.err.splitlines()[-1]


@covers("R-DISK-1")
async def test_a_run_whose_disk_fills_up_ends_with_a_clear_error_in_bounded_time(
    small: Machine,
) -> None:
    fill = f"dd if=/dev/zero of={state(small)}/fill bs=4k; echo filled"
    script = [calls(call("Shell", command=fill)), text("never")]
    async with ScriptedModel(script) as model:
        small.use_model(model.base_url)
        began = time.monotonic()
        ran = await _ran(small, state(small), 8 * 1024, *AUTO, "fill it")
        took = time.monotonic() - began

    assert (ran.code, ran.out, len(model.requests)) == (2, "", 1), ran.err
    assert "is full" in ran.err.splitlines()[-1]
    assert took < BOUND_SECONDS


def _when_told(*replies: Reply) -> tuple[list[str], Callable[[Recorded], Reply]]:
    """A model that says `replies` in turn, and what it was told of its calls."""
    told: list[str] = []
    left = iter(replies)

    def script(request: Recorded) -> Reply:
        told.extend(str(m["content"]) for m in request.messages if m["role"] == "tool")
        return next(left)

    return told, script


@covers("R-FILE-3")
async def test_a_full_workspace_is_told_to_the_model_and_the_file_stays(small: Machine) -> None:
    told, script = _when_told(
        calls(call("WriteFile", file_path="a.txt", content="small\n")),
        calls(call("WriteFile", file_path="a.txt", content="x" * 600_000)),
        calls(call("Shell", command="cat a.txt; ls -A")),
        text("Done."),
    )
    async with ScriptedModel(script) as model:
        small.use_model(model.base_url)
        command = ["--cwd", str(small.project), *AUTO, "fill it"]
        ran = await _ran(small, small.project, 256, *command)

    assert (ran.code, ran.out) == (0, "Done.\n"), ran.err
    assert "No space left" in told[2] or "full" in told[2], told[2]
    assert "small\n" in told[-1]
    assert [line for line in told[-1].splitlines() if line.startswith(".")] in ([], [".codegen"])


@covers("R-DISK-2")
async def test_a_maestro_whose_log_is_on_a_full_disk_serves(machine: Machine) -> None:
    if not FULL.exists():
        pytest.skip("there is no /dev/full")
    path = machine.folder / "maestro.sock"
    async with ScriptedModel([text("In.")], api_key=KEY) as model:
        with FULL.open("wb") as full:
            serving = await asyncio.create_subprocess_exec(
                *(*installed("maestro"), "serve", "--uds", str(path), "--auth", "none"),
                *("--model", "openai/scripted", "--base-url", model.base_url),
                env=machine.environment | {"OPENAI_API_KEY": KEY},
                stderr=full,
                stdout=full,
            )
        try:
            await until(path.exists, "it listens")
            ran = await machine.codegen("--server", f"unix:{path}", "let me in")
        finally:
            serving.terminate()
            code = await serving.wait()

    assert (ran.code, ran.out, code) == (0, "In.\n", 0), ran.err
