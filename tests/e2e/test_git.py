"""Git through the installed command: what is asked about shows what it would lose."""

import asyncio
import subprocess

from tests.e2e.machine import Machine
from tests.e2e.test_terminal import on_terminal
from tests.requirements import covers
from tests.scripted_model import ScriptedModel, call, calls, text


def _git(machine: Machine, *args: str) -> str:
    ended = subprocess.run(
        ["git", *args],
        cwd=machine.project,
        env=machine.environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return ended.stdout


@covers("R-GIT-1")
async def test_whoever_is_asked_sees_what_would_be_lost_and_may_refuse(machine: Machine) -> None:
    _git(machine, "init", "-q")
    _git(machine, "config", "user.name", "Ada")
    _git(machine, "config", "user.email", "ada@example.invalid")
    work = machine.project / "work.txt"
    work.write_text("committed\n")
    _git(machine, "add", ".")
    _git(machine, "commit", "-qm", "first")
    work.write_text("precious\n")
    script = [
        calls(call("Git", args=["reset", "--hard"])),
        calls(call("Git", args=["commit", "-am", "second"])),
        text("done"),
    ]

    def at_the_terminal() -> bytes:
        with on_terminal(machine, "--trust", "go") as program:
            program.read_until(b'exactly "git reset')
            program.read_until(b"tell the model")
            program.write(b"n")
            program.read_until(b'"git commit')
            program.write(b"y")
            program.read_to_end()
            return program.output

    machine.environment["CODEGEN_COMMIT_TRAILER"] = "Assisted-by: codegen"
    async with ScriptedModel(script) as model:
        machine.use_model(model.base_url)
        output = await asyncio.to_thread(at_the_terminal)

    assert b"changes that are not committed are lost:" in output
    assert work.read_text() == "precious\n"
    assert _git(machine, "log", "-1", "--format=%an%n%B") == (
        "Ada\nsecond\n\nAssisted-by: codegen\n\n"
    )
