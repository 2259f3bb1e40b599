"""A maestro that means ill talks to somebody at a terminal."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from tests.e2e.conftest import machine
from tests.e2e.machine import Machine, installed
from tests.requirements import covers
from tests.security.evil_maestro.escapes import SEQUENCES, driven, everything, marked
from tests.security.evil_maestro.grounds import build, outside, planted
from tests.security.evil_maestro.server import SECONDS, Victim, evil_maestro
from tests.terminal.pty_program import PtyProgram, on_a_pty

__all__ = ["machine"]

MARKDOWN = (
    "{}", "# {}", "[{0}](http://x.test/{0})", "<http://x.test/{}>", "`{}`", "```{0}\n{0}\n```",
    "![{0}]({0})", "| {0} | b |\n|---|---|\n| {0} | {0} |", "- {}", "> {}", "<b>{}</b>", "**{}**",
)  # fmt: skip
EVERYTHING = everything()


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
            reading = asyncio.create_task(drained(program))
            victim = await evil.victim()
            await victim.start()
            try:
                await plot(victim, program)
                await victim.finish()
            except BaseException:
                program.process.kill()
                raise
            finally:
                code = await reading
    assert code in (0, 1, 3), program.output[-2000:]
    assert b"Traceback" not in program.output
    assert (outside(machine), planted(machine)) == (before, [])
    return program.output


async def drained(program: PtyProgram) -> int:
    """Its exit code; until then it is never kept from writing."""
    while program.process.poll() is None:
        await asyncio.to_thread(program.read, 0.05)
    return await asyncio.to_thread(program.read_to_end)


def wait_for(program: PtyProgram, expected: bytes, after: int = 0) -> None:
    """Until it has written `expected`, behind the first `after` bytes."""
    deadline = time.monotonic() + SECONDS
    while program.output.find(expected, after) < 0:
        assert time.monotonic() < deadline, program.output[-2000:]
        time.sleep(0.01)


async def answered(program: PtyProgram, order: Awaitable[None], key: bytes) -> None:
    """Give an order that asks, and press a key once it can be pressed."""
    after = len(program.output)
    await order
    await asyncio.to_thread(wait_for, program, b"[n]", after)
    program.write(key)


def named(text: str) -> str:
    """As much of it as the name of a file holds."""
    return text.replace("/", "").replace("\0", "").encode()[:200].decode("utf-8", "ignore")


@covers("R-EVIL-4")
async def test_no_text_of_a_maestro_drives_the_terminal(machine: Machine) -> None:
    async def plot(victim: Victim, program: PtyProgram) -> None:
        del program
        generation = {"generation_id": "g1"}
        await victim.send(
            "agent_reasoning_delta", {**generation, "content": EVERYTHING, "index": 0}
        )
        for index, char in enumerate(EVERYTHING):  # every sequence cut everywhere
            delta = {**generation, "content": char, "index": index}
            await victim.send("agent_message_delta", delta)
        await victim.send("agent_message", {**generation, "content": EVERYTHING}, seq=10)
        markdown = "\n\n".join(form.format(one) for one in SEQUENCES.values() for form in MARKDOWN)
        await victim.send("agent_message", {"generation_id": "g2", "content": markdown}, seq=11)
        await victim.send("status", {"status": "running", "step": EVERYTHING}, seq=12)
        steps = [{"title": one, "status": "active"} for one in SEQUENCES.values()]
        await victim.send("plan_updated", {"steps": steps}, seq=13)
        await victim.send("error", {"code": "internal", "message": EVERYTHING, "field": EVERYTHING})
        await victim.send("user_message", {"content": EVERYTHING}, seq=14)
        for number, one in enumerate(SEQUENCES.values()):
            await victim.done(f"p{number}", "ReadFile", {"file_path": one})
            await victim.done(f"n{number}", one, {})
        await victim.done(EVERYTHING, "ReadFolder", {"dir_path": "."})

    output = await played(machine, plot, "--trust", "--mode", "read-only")

    assert driven(output) == []
    assert output.count(b"OWNED") > 20


@covers("R-EVIL-4")
async def test_no_file_output_or_question_drives_the_terminal(machine: Machine) -> None:
    # With more controls than words, or a NUL, output is binary and not shown.
    words = "plain words " * 30
    content = EVERYTHING.replace("\0", "").replace(" <", f"\n{words}<")
    names = [named(marked(number, one)) for number, one in enumerate(SEQUENCES.values())]

    async def plot(victim: Victim, program: PtyProgram) -> None:
        for number, name in enumerate(names):
            await victim.done(f"w{number}", "WriteFile", {"file_path": name, "content": content})
        change = {"file_path": names[0], "old_string": "OWNED", "new_string": content}
        await victim.done("e", "Edit", {**change, "replace_all": True})
        output = {"command": "cat ./*OWNED*; cat ./*OWNED* >&2; false"}
        assert "OWNED" in (await victim.done("out", "Shell", output))["result"]
        await victim.done("git", "Git", {"args": ["status"]})
        asked = {"command": f": '{EVERYTHING}'"}
        await answered(program, victim.order("ask", "Shell", asked), b"n")
        assert (await victim.result("ask"))["status"] == "denied"
        fetched = await victim.done("web", "WebFetch", {"url": f"http://{EVERYTHING}"})
        assert fetched["status"] in ("denied", "error")

    output = await played(machine, plot, "--trust", "--mode", "auto-edit", "--sandbox", "none")

    assert driven(output) == []
    assert output.count(b"OWNED") > 20


@covers("R-EVIL-3")
async def test_a_yes_is_for_what_was_shown_and_for_once(machine: Machine) -> None:
    async def plot(victim: Victim, program: PtyProgram) -> None:
        await victim.order("t1", "Shell", {"command": "touch made"})
        await victim.frame("tool_progress")
        # While the question stands, the same id comes with something worse.
        await victim.order("t1", "Shell", {"command": "touch ../outside/owned"})
        await asyncio.to_thread(wait_for, program, b"[y]")
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
