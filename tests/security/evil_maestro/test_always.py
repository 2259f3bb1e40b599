"""A yes for ever, given on a real terminal: what it covers, where it stands, and how it ends."""

import asyncio
import json
import tomllib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from tests.e2e.conftest import machine
from tests.e2e.machine import Machine, installed
from tests.requirements import covers
from tests.security.evil_maestro.server import EvilMaestro, Victim, evil_maestro
from tests.terminal.tmux import Terminal, needs_tmux, terminal

__all__ = ["machine"]

pytestmark = needs_tmux
FLAGS = ("--trust", "--mode", "ask", "--sandbox", "none", "do it")


@asynccontextmanager
async def session(machine: Machine, evil: EvilMaestro) -> AsyncGenerator[tuple[Victim, Terminal]]:
    """`codegen` on a terminal, and the maestro that it listens to."""
    machine.use_server(evil.address, "token-0000")
    command = [*installed("codegen"), "--cwd", str(machine.project), *FLAGS]
    with terminal(command, width=110, environment=machine.environment) as shown:
        victim = await evil.victim()
        await victim.start()
        yield victim, shown
        await victim.finish()
        assert await asyncio.to_thread(shown.wait_for_end) in (0, 3)


async def asked(victim: Victim, shown: Terminal, tool_id: str, command: str, key: str) -> str:
    """Order a command that asks, and press a key; how the call ended."""
    await victim.order(tool_id, "Shell", {"command": command})
    progress = await victim.frame("tool_progress")
    assert progress["payload"] == {"tool_id": tool_id, "state": "asking"}
    await asyncio.to_thread(shown.wait_for, lambda screen: is_asked(screen, command))
    await asyncio.to_thread(shown.press, key)
    return (await victim.result(tool_id))["status"]


def is_asked(screen: str, command: str) -> bool:
    """The question about this command is the last thing on the screen."""
    _, _, behind = screen.rpartition("? Shell ")
    return behind.startswith(command) and "[y] once" in behind


async def unasked(victim: Victim, tool_id: str, command: str) -> None:
    """Order a command that runs without a question."""
    told = await victim.done(tool_id, "Shell", {"command": command})
    assert told["status"] != "denied"
    frames = [json.loads(heard) for heard in victim.heard]
    progress = [frame["payload"] for frame in frames if frame["type"] == "tool_progress"]
    assert tool_id not in [one["tool_id"] for one in progress]


@covers("R-ALWAYS-1")
async def test_an_answer_for_ever_holds_for_what_it_says_until_it_is_taken_out(
    machine: Machine,
) -> None:
    machine.config_file.write_text("# mine\n[policy]\nallow = []\n")
    async with evil_maestro() as evil:
        async with session(machine, evil) as (victim, shown):
            assert await asked(victim, shown, "t1", "make test", "a") != "denied"
            await asyncio.to_thread(shown.wait_for, "allowed always, in every project")
            await unasked(victim, "t2", "make test")
            assert await asked(victim, shown, "t3", "make tested", "n") == "denied"
            assert await asked(victim, shown, "t4", "make test; make deploy", "n") == "denied"

        written = machine.config_file.read_text()
        (rule,) = tomllib.loads(written)["policy"]["allow"]
        assert (rule, written.startswith("# mine\n")) == ("Shell(make test *)", True)
        told = await machine.codegen("policy", "show")
        assert rule in told.out
        assert str(machine.config_file) in told.out
        checked = await machine.codegen("policy", "check", "Shell make test")
        assert (checked.code, rule in checked.out) == (0, True)

        async with session(machine, evil) as (victim, shown):
            await unasked(victim, "t1", "make test")

        machine.config_file.write_text(written.replace(f'"{rule}"', ""))
        assert (await machine.codegen("policy", "check", "Shell make test")).code == 10
        async with session(machine, evil) as (victim, shown):
            assert await asked(victim, shown, "t1", "make test", "n") == "denied"
