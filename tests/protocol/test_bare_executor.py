"""The example executor, as a process, against a maestro's side made of the connection alone."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from protocol.connection import Connection
from protocol.from_executor import FromExecutor, Handshake, ProjectSpec, ToolResult
from protocol.from_maestro import (
    AgentMessageDelta,
    FromMaestro,
    Outcome,
    RunFinished,
    RunTool,
    SessionStarted,
    StatusChanged,
)
from protocol.wire import Frame
from tests.requirements import covers

_EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "bare_executor.py"
_TOKEN = "test-token-0000"


@dataclass
class ScriptedMaestro:
    """Answers one handshake, asks for `calls` one after the other, and ends the run."""

    calls: list[RunTool]
    outcome: Outcome = "success"
    handshakes: list[Handshake] = field(default_factory=list[Handshake])
    results: list[ToolResult] = field(default_factory=list[ToolResult])
    tokens: list[str | None] = field(default_factory=list[str | None])

    async def attend(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        assert socket.request.path == "/ws/v1/connect"
        self.tokens.append(socket.request.headers.get("Authorization"))
        connection = Connection("maestro")
        self.handshakes.append(await _next(socket, connection, Handshake))
        await _say(socket, connection, SessionStarted("s", "r", epoch=1))
        await _say(socket, connection, StatusChanged("running"))
        for seq, call in enumerate(self.calls, start=1):
            await _say(socket, connection, AgentMessageDelta(call.generation_id, "I will. "))
            await _say(socket, connection, call, seq)
            self.results.append(await _next(socket, connection, ToolResult))
        end = RunFinished(self.outcome, "completed", "That is all.")
        await _say(socket, connection, end, len(self.calls) + 1)
        await socket.wait_closed()


async def _say(
    socket: ServerConnection,
    connection: Connection[FromExecutor, FromMaestro],
    message: FromMaestro,
    seq: int | None = None,
) -> None:
    await socket.send(connection.send(message, seq=seq).decode())


async def _next(
    socket: ServerConnection, connection: Connection[FromExecutor, FromMaestro], kind: type[Any]
) -> Any:
    (received,) = connection.receive(await socket.recv())
    assert isinstance(received, Frame)
    assert isinstance(received.message, kind)
    return received.message


@asynccontextmanager
async def listening(maestro: ScriptedMaestro) -> AsyncGenerator[str]:
    """The address at which `maestro` attends to executors."""
    async with serve(maestro.attend, "127.0.0.1", 0, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}"


async def run_example(address: str, folder: Path, *arguments: str) -> tuple[int | None, str]:
    """Exit code and standard output of the example, run in `folder`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(_EXAMPLE),
        "--server",
        address,
        *arguments,
        "do it",
        cwd=folder,
        env={"PATH": os.environ["PATH"], "CODEGEN_TOKEN": _TOKEN},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(20):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, output.decode()


def call(name: str, **parameters: Any) -> RunTool:
    return RunTool(name, f"c_{name}", "r1-1", parameters)


@covers("R-WIRE-12")
async def test_the_example_speaks_the_fixed_contract_to_the_end(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("one\ntwo\n")
    maestro = ScriptedMaestro(
        [
            call("ReadFile", file_path="notes.txt"),
            call("Edit", file_path="notes.txt", old_string="two", new_string="2"),
            call("WriteFile", file_path="new/file.txt", content="fresh"),
            call("Shell", command="cat notes.txt; exit 3"),
        ]
    )

    async with listening(maestro) as address:
        outcome = await run_example(address, tmp_path, "--yes")

    assert outcome == (0, "That is all.\n")
    assert maestro.tokens == [f"Bearer {_TOKEN}"]
    assert maestro.handshakes == [
        Handshake("bare", "do it", ("Shell", "ReadFile", "WriteFile", "Edit"), (), ProjectSpec())
    ]
    assert maestro.results == [
        ToolResult("c_ReadFile", "success", "1\tone\n2\ttwo", "r1-1"),
        ToolResult("c_Edit", "success", "Edited notes.txt.", "r1-1"),
        ToolResult("c_WriteFile", "success", "Wrote new/file.txt.", "r1-1"),
        ToolResult("c_Shell", "success", "one\n2\n\n[exit code 3]", "r1-1"),
    ]
    assert (tmp_path / "new" / "file.txt").read_text() == "fresh"


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        (call("ReadFile", file_path="../secret.txt"), "error", "failed"),
        (call("ReadFile", file_path="missing.txt"), "error", "failed"),
        (call("ReadFile", path="wrong parameter"), "error", "invalid_parameters"),
        (call("ReadFile", file_path="notes.txt", raw=True), "error", "invalid_parameters"),
        (call("Edit", file_path="notes.txt", old_string="o", new_string=""), "error", "failed"),
        (call("Telepathy"), "error", "unknown_tool"),
        (call("Shell", command="sleep 60", timeout_s=1), "timeout", None),
        (call("Shell", command="echo x", timeout_s=None, workdir=None), "success", None),
    ],
)
async def test_the_example_tells_what_went_wrong(
    asked: RunTool, status: str, code: str | None, tmp_path: Path
) -> None:
    (tmp_path.parent / "secret.txt").write_text("secret")
    (tmp_path / "notes.txt").write_text("two o: oo")
    maestro = ScriptedMaestro([asked], outcome="error")

    async with listening(maestro) as address:
        exit_code, _ = await run_example(address, tmp_path, "--yes")

    assert exit_code == 1
    (answer,) = maestro.results
    assert (answer.status, answer.error and answer.error.code) == (status, code)
    assert "secret" not in answer.result.replace("secret.txt", "")


async def test_the_example_changes_nothing_that_nobody_allowed(tmp_path: Path) -> None:
    maestro = ScriptedMaestro(
        [call("Shell", command="touch ran"), call("WriteFile", file_path="wrote", content="")]
    )

    async with listening(maestro) as address:
        await run_example(address, tmp_path)

    assert [result.status for result in maestro.results] == ["denied", "denied"]
    assert list(tmp_path.iterdir()) == []
