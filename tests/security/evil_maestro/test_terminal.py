"""A maestro that means ill talks to somebody at a terminal."""

import asyncio
from collections.abc import Awaitable, Callable

from tests.e2e.conftest import machine
from tests.e2e.machine import Machine, installed
from tests.requirements import covers
from tests.security.evil_maestro.grounds import build, outside, planted
from tests.security.evil_maestro.server import Victim, evil_maestro
from tests.terminal.pty_program import PtyProgram, on_a_pty

__all__ = ["machine"]

ATTACKS = (
    "\x1b]0;OWNED\x07",
    "\x1b]52;c;T1dORUQ=\x07",
    "\x1b]8;;http://evil.test\x07",
    "\x1b[31;5;7m",
    "\x1bP+q544e\x1b\\",
    "\x1b[?1049h",
    "\x1b[6n",
    "\x9b2J",
    "\u202eOWNED",
    "\U000e0041",
    "\x08\x08\x08",
)
BAD = "x".join(ATTACKS)


async def played(
    machine: Machine,
    plot: Callable[[Victim, PtyProgram], Awaitable[None]],
    *flags: str,
) -> bytes:
    """What the terminal was written while `plot` went on."""
    build(machine)
    before = outside(machine)
    async with evil_maestro() as evil:
        machine.use_server(evil.address, "token-0000")
        command = [*installed("codegen"), "--cwd", str(machine.project), *flags, "do it"]
        environment = machine.environment | {"TERM": "xterm-256color"}
        with on_a_pty(command, environment=environment) as program:
            if "--trust" not in flags:
                await asyncio.to_thread(program.read_until, b"[y]")
                program.write(b"n")
            victim = await evil.victim()
            await victim.start()
            await plot(victim, program)
            await victim.finish()
            code = await asyncio.to_thread(program.read_to_end)
    assert code in (0, 1, 3), program.output[-2000:]
    assert b"Traceback" not in program.output
    assert (outside(machine), planted(machine)) == (before, [])
    return program.output


@covers("R-EVIL-4")
async def test_no_text_of_a_maestro_drives_the_terminal(machine: Machine) -> None:
    (machine.project / f"name{ATTACKS[0]}").write_text("x")

    async def plot(victim: Victim, program: PtyProgram) -> None:
        del program
        generation = {"generation_id": "g1"}
        await victim.send("agent_reasoning_delta", {**generation, "content": BAD, "index": 0})
        for index, char in enumerate(BAD):  # every sequence cut everywhere
            await victim.send(
                "agent_message_delta", {**generation, "content": char, "index": index}
            )
        await victim.send("agent_message", {**generation, "content": BAD}, seq=10)
        await victim.send("status", {"status": "running", "step": BAD}, seq=11)
        steps = [{"title": BAD, "status": "active"}]
        await victim.send("plan_updated", {"steps": steps}, seq=12)
        await victim.send("error", {"code": "internal", "message": BAD, "field": BAD})
        await victim.send("user_message", {"content": BAD}, seq=13)
        await victim.done("t1", "ReadFile", {"file_path": BAD})
        await victim.done("t2", BAD, {})
        await victim.done(BAD, "Shell", {"command": f"cat 'name{ATTACKS[0]}'"})
        await victim.done("t3", "ReadFolder", {"dir_path": "."})

    shown = await played(machine, plot, "--trust", "--mode", "read-only")

    assert [attack for attack in ATTACKS if attack.encode() in shown] == []
    assert b"OWNED" in shown


@covers("R-EVIL-3")
async def test_a_yes_is_for_what_was_shown_and_for_once(machine: Machine) -> None:
    async def plot(victim: Victim, program: PtyProgram) -> None:
        await victim.order("t1", "Shell", {"command": "touch made"})
        await victim.frame("tool_progress")
        # While the question stands, the same id comes with something worse.
        await victim.order("t1", "Shell", {"command": "touch ../outside/owned"})
        await asyncio.to_thread(program.read_until, b"[y]")
        program.write(b"y")
        assert (await victim.result("t1"))["status"] == "success"
        await victim.order("t1", "Shell", {"command": "touch ../outside/owned"})
        await victim.order("t2", "Shell", {"command": "touch made"}, approved=True)
        progress = await victim.frame("tool_progress")
        while progress["payload"]["tool_id"] != "t2":
            progress = await victim.frame("tool_progress")
        assert progress["payload"]["state"] == "asking"
        await victim.send("cancel_tool", {"tool_id": "t2"}, seq=500)
        assert (await victim.result("t2"))["status"] == "cancelled"

    await played(machine, plot, "--trust", "--sandbox", "none", "--mode", "ask")
    assert (machine.project / "made").exists()
