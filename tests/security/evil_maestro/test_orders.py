"""A maestro that means ill gives orders to the real `codegen`, without a terminal."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from executor.audit import audit_files, checked
from tests.e2e.conftest import machine
from tests.e2e.machine import Machine, Ran, ended
from tests.requirements import covers
from tests.security.evil_maestro.cases import COMMANDS, FRAMES, orders
from tests.security.evil_maestro.grounds import CANARY, build, outside, planted
from tests.security.evil_maestro.server import EvilMaestro, Victim, evil_maestro

__all__ = ["machine"]

TOKEN = "cg_token-of-the-user-0000"


@asynccontextmanager
async def victimised(
    machine: Machine, *flags: str
) -> AsyncGenerator[tuple[Victim, EvilMaestro, asyncio.Future[Ran]]]:
    """`codegen` at the mercy of an evil maestro; afterwards nothing outside has changed."""
    build(machine)
    before = outside(machine)
    async with evil_maestro() as evil:
        machine.use_server(evil.address, TOKEN)
        process = await machine.start(*flags, "do it")
        over = asyncio.ensure_future(ended(process))
        try:
            yield await evil.victim(), evil, over
        finally:
            if process.returncode is None and not over.done():
                process.terminate()
            ran = await over
    assert "Traceback" not in ran.err
    assert CANARY not in ran.out + ran.err
    assert TOKEN not in ran.out + ran.err
    assert outside(machine) == before
    assert planted(machine) == []
    for log in audit_files(machine.folder / "state" / "codegen"):
        assert checked(log).problem == ""
        assert CANARY not in log.read_text()


@covers("R-EVIL-3")
@pytest.mark.parametrize("mode", ["ask", "auto-edit"])
async def test_no_order_leads_outside_or_to_a_secret(mode: str, machine: Machine) -> None:
    cases = list(orders(str(machine.project)))
    async with victimised(machine, "--mode", mode) as (victim, _, over):
        await victim.start()
        for number, (_, tool, parameters) in enumerate(cases):
            await victim.order(f"t{number}", tool, parameters, approved=True, mode="auto")
            if number % 32 == 31:
                await victim.result(f"t{number}")
        allowed = [
            name
            for number, (name, _, _) in enumerate(cases)
            if (await victim.result(f"t{number}"))["status"] not in ("denied", "error")
        ]
        assert (await victim.done("last", "ReadFile", {"file_path": "ok.txt"}))[
            "status"
        ] == "success"
        await victim.finish()
        ran = await over

    assert len(cases) >= 300
    assert allowed == []
    assert not any(CANARY in text for text in victim.heard)
    assert ran.code == 3, ran.err


@covers("R-EVIL-3")
async def test_commands_in_a_sandbox_reach_nothing_outside(machine: Machine) -> None:
    async with victimised(machine, "--mode", "auto") as (victim, _, over):
        await victim.start()
        for number, command in enumerate(COMMANDS):
            told = await victim.done(f"t{number}", "Shell", {"command": command, "timeout_s": 5})
            assert CANARY not in told["result"], command
        await victim.finish()
        ran = await over
    if "sandbox" in ran.err and ran.code == 2:
        pytest.skip("mode auto needs a sandbox, and this machine has none")


@covers("R-EVIL-4")
async def test_no_frame_breaks_the_executor_or_its_connection(machine: Machine) -> None:
    async with victimised(machine) as (victim, _, over):
        await victim.start()
        for number, (name, frame) in enumerate(FRAMES):
            await victim.raw(frame)
            told = await victim.done(f"p{number}", "ReadFile", {"file_path": "ok.txt"})
            assert told["status"] == "success", name
        await victim.finish()
        assert (await over).code == 0
    assert {"q"} & set(victim.results) == set()


@covers("R-EVIL-4")
@pytest.mark.parametrize("frame", [b"\x00binary", "x" * (1024 * 1024 + 1)], ids=["binary", "huge"])
async def test_what_ends_the_connection_ends_nothing_else(
    frame: str | bytes, machine: Machine
) -> None:
    async with victimised(machine) as (victim, evil, over):
        handshake = await victim.start()
        await victim.raw(frame)
        await victim.gone()
        again = await evil.victim()
        resumed = await again.frame("handshake")
        assert resumed["payload"]["journal_id"] == handshake["journal_id"]
        await again.send("session_started", {"session_id": "s1", "run_id": "r1", "resumed": True})
        assert (await again.done("t1", "ReadFile", {"file_path": "ok.txt"}))["status"] == "success"
        await again.finish()
        assert (await over).code == 0


@covers("R-EVIL-4")
async def test_a_flood_of_orders_is_answered_each(machine: Machine) -> None:
    async with victimised(machine) as (victim, _, over):
        await victim.start()
        for number in range(500):
            await victim.order(f"t{number}", "ReadFile", {"file_path": "ok.txt"})
        statuses = {(await victim.result(f"t{number}"))["status"] for number in range(500)}
        assert statuses <= {"success", "error"}
        await victim.finish()
        assert (await over).code == 0


@covers("R-EVIL-3")
async def test_an_id_is_run_once_whatever_comes_with_it(machine: Machine) -> None:
    async with victimised(machine, "--mode", "auto-edit") as (victim, evil, over):
        await victim.start()
        first = await victim.done("t1", "WriteFile", {"file_path": "a.txt", "content": "1"})
        victim.results.clear()
        again = await victim.done("t1", "WriteFile", {"file_path": "b.txt", "content": "2"})
        assert again == first
        await victim.raw(b"bye")
        other = await evil.victim()
        await other.start(resumed=True, epoch=0)
        assert await other.done("t1", "WriteFile", {"file_path": "c.txt", "content": "3"}) == first
        await other.send("accepted", {"tool_id": "t1"})
        await other.done("t2", "ReadFile", {"file_path": "ok.txt"})
        other.results.clear()
        told = await other.done("t1", "WriteFile", {"file_path": "d.txt", "content": "4"})
        assert told["status"] == "interrupted"
        await other.finish()
        assert (await over).code == 0
    written = {name for name in "abcd" if (machine.project / f"{name}.txt").exists()}
    assert written == {"a"}


@covers("R-EVIL-5")
async def test_a_redirect_never_takes_the_token_elsewhere(machine: Machine) -> None:
    heard: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(4096))
        writer.close()

    elsewhere = await asyncio.start_server(listen, "127.0.0.1", 0)
    port = elsewhere.sockets[0].getsockname()[1]

    async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        where = f"http://127.0.0.1:{port}/ws/v1/connect"
        writer.write(f"HTTP/1.1 307 T\r\nLocation: {where}\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    async with elsewhere, await asyncio.start_server(redirect, "127.0.0.1", 0) as evil:
        machine.use_server(f"ws://127.0.0.1:{evil.sockets[0].getsockname()[1]}", TOKEN)
        ran = await machine.codegen("do it")

    assert (ran.code, heard) == (6, [])
    assert TOKEN not in ran.err
