"""Git through the installed command: what is asked about shows what it would lose."""

import asyncio
import subprocess
from pathlib import Path

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


def _project(machine: Machine) -> Path:
    """One commit, and one change that is not committed; the file that holds it."""
    _git(machine, "init", "-q")
    _git(machine, "config", "user.name", "Ada")
    _git(machine, "config", "user.email", "ada@example.invalid")
    work = machine.project / "work.txt"
    work.write_text("committed\n")
    _git(machine, "add", ".")
    _git(machine, "commit", "-qm", "first")
    work.write_text("precious\n")
    return work


@covers("R-GIT-1")
async def test_whoever_is_asked_sees_what_would_be_lost_and_may_refuse(machine: Machine) -> None:
    work = _project(machine)
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


@covers("R-GIT-3")
async def test_in_mode_auto_without_a_terminal_work_is_kept_and_a_rule_of_the_users_lets_it_go(
    machine: Machine,
) -> None:
    work = _project(machine)
    script = [
        calls(call("Shell", command="git reset --hard && echo done")),
        calls(call("Shell", command="git stash")),
        calls(call("Shell", command="git reset --hard && echo done")),
        text("It is put aside."),
    ]
    async with ScriptedModel(script) as model:
        machine.use_model(model.base_url)
        refused = await machine.codegen("--mode", "auto", "--no-sandbox", "go")
        told = str(model.requests[1].body)
    _git(machine, "stash", "pop")
    kept = work.read_text()
    machine.config_file.write_text('[policy]\nallow = ["Git(reset --hard *)"]\n')
    async with ScriptedModel([script[0], text("Gone.")]) as model:
        machine.use_model(model.base_url)
        allowed = await machine.codegen("--mode", "auto", "--no-sandbox", "go")

    assert refused.code == 3
    assert "git reset would throw work away" in refused.err
    assert "modified  work.txt" in told
    assert "git stash, or a commit" in told
    assert kept == "precious\n"
    assert (allowed.code, work.read_text()) == (0, "committed\n")
