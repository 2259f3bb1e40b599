"""`codegen` on a real pseudo-terminal: Ctrl-C, questions, a conversation, and the way out."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

from tests.e2e.machine import Machine, installed
from tests.e2e.processes import is_alive
from tests.requirements import covers
from tests.scripted_model import ScriptedModel, call, calls, text
from tests.terminal.pty_program import PtyProgram, on_a_pty

AUTO = ("--mode", "auto", "--no-sandbox")
CTRL_C = b"\x03"
ENTER = b"\r"


@contextmanager
def on_terminal(machine: Machine, *arguments: str) -> Generator[PtyProgram]:
    command = [*installed("codegen"), "--cwd", str(machine.project), *arguments]
    with on_a_pty(command, environment=machine.environment | {"TERM": "xterm-256color"}) as program:
        yield program


@covers("R-TTY-1", "R-TTY-2")
async def test_ctrl_c_ends_the_run_and_its_command_and_leaves_the_terminal_as_it_was(
    machine: Machine,
) -> None:
    script = [calls(call("Shell", command="echo child $$; sleep 60"))]

    def at_the_terminal() -> tuple[int, bytes]:
        with on_terminal(machine, *AUTO, "wait") as program:
            before = program.modes()
            program.read_until(b"child ")
            program.read_until(b"\n")
            program.write(CTRL_C)
            code = program.read_to_end()
            assert program.modes() == before
            return code, program.output

    async with ScriptedModel(script) as model:
        machine.use_model(model.base_url)
        code, output = await asyncio.to_thread(at_the_terminal)

    assert code == 130
    assert not is_alive(pid_after(b"child ", output))


def pid_after(mark: bytes, output: bytes) -> int:
    digits = output.split(mark)[-1]
    return int(digits[: len(digits) - len(digits.lstrip(b"0123456789"))])


@covers("R-TTY-1", "R-TTY-2")
async def test_ctrl_c_twice_leaves_and_no_child_survives(machine: Machine) -> None:
    script = [calls(call("Shell", command="trap '' INT TERM; echo child $$; sleep 60"))]

    def at_the_terminal() -> tuple[int, bytes]:
        with on_terminal(machine, *AUTO, "wait") as program:
            before = program.modes()
            program.read_until(b"child ")
            program.write(CTRL_C)
            program.read_until(b"again leaves")
            program.write(CTRL_C)
            code = program.read_to_end()
            assert program.modes() == before
            return code, program.output

    async with ScriptedModel(script) as model:
        machine.use_model(model.base_url)
        code, output = await asyncio.to_thread(at_the_terminal)

    assert code == 130
    assert not is_alive(pid_after(b"child ", output))


@covers("R-TTY-3")
async def test_a_call_that_the_mode_asks_about_is_asked_and_runs_when_allowed(
    machine: Machine,
) -> None:
    script = [calls(call("Shell", command="touch made")), text("Made it.")]

    def at_the_terminal() -> int:
        with on_terminal(machine, "make it") as program:
            program.read_until(b"[y]")
            program.write(b"y")
            program.read_until(b"Made it.")
            return program.read_to_end()

    async with ScriptedModel(script) as model:
        machine.use_model(model.base_url)
        code = await asyncio.to_thread(at_the_terminal)

    assert code == 0
    assert (machine.project / "made").exists()


@covers("R-TTY-4")
async def test_a_conversation_takes_messages_until_quit(machine: Machine) -> None:
    def at_the_terminal() -> int:
        with on_terminal(machine) as program:
            before = program.modes()
            program.read_until(b"\x1b[")
            program.write(b"hello there" + ENTER)
            program.read_until(b"First answer.")
            program.write(b"and more" + ENTER)
            program.read_until(b"Second answer.")
            program.write(b"/quit" + ENTER)
            code = program.read_to_end()
            assert program.modes() == before
            return code

    async with ScriptedModel([text("First answer."), text("Second answer.")]) as model:
        machine.use_model(model.base_url)
        code = await asyncio.to_thread(at_the_terminal)

    assert code == 0
    assert model.requests[1].roles == ["system", "user", "user", "assistant", "user"]
