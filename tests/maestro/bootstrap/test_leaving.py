"""SIGTERM: everybody is sent elsewhere at once, and what a model is saying is heard to its end."""

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from websockets.asyncio.client import connect

from tests.maestro.bootstrap.program import Program, started
from tests.maestro.edge.stage import Peer
from tests.scripted_model import Reply, ScriptedModel, held, text

KEY = "sk-test-0000"


@dataclass
class Busy:
    """A program with an executor and an event stream on one session."""

    program: Program
    model: ScriptedModel
    executor: Peer
    session_id: str
    address: str
    stream: asyncio.Task[bytes]


@contextlib.asynccontextmanager
async def busy(home: Path, *script: Reply) -> AsyncGenerator[Busy]:
    async with contextlib.AsyncExitStack() as stack:
        model = await stack.enter_async_context(ScriptedModel(script, api_key=KEY))
        flags = ("--base-url", model.base_url, "--model", "openai/m", "--auth", "none")
        program = await stack.enter_async_context(
            started(home, "serve", "--port", "0", *flags, OPENAI_API_KEY=KEY)
        )
        address = await program.listening()
        socket = connect(f"{address.replace('http', 'ws', 1)}/ws/v1/connect", proxy=None)
        executor = Peer(await stack.enter_async_context(socket))
        session_id = (await executor.handshake(known_tools=["Git"]))["payload"]["session_id"]
        client = httpx2.AsyncClient(base_url=address, trust_env=False, timeout=None)
        await stack.enter_async_context(client)
        path = f"/api/v1/sessions/{session_id}/events"
        answer = await stack.enter_async_context(client.stream("GET", path))
        stream = asyncio.create_task(answer.aread())
        yield Busy(program, model, executor, session_id, address, stream)


async def test_open_sockets_and_streams_hold_nobody_up(tmp_path: Path) -> None:
    async with busy(tmp_path, text("Done.")) as here:
        await here.executor.until("run_finished")
        began = time.monotonic()
        ended = await here.program.stop()
        took = time.monotonic() - began

        assert await here.executor.closed() == 1012
        assert b"event: run_finished" in await here.stream
    assert (ended.code, took < 4.5) == (0, True)


async def test_a_generation_is_finished_under_its_claim(tmp_path: Path) -> None:
    async with busy(tmp_path, held(text("One ", "two."), "go", after=2)) as here:
        await here.executor.until("agent_message_delta")
        here.program.terminate()
        assert await here.executor.closed() == 1012
        with pytest.raises(ConnectionRefusedError):  # nobody is sent away to come back here
            await connect(f"{here.address.replace('http', 'ws', 1)}/ws/v1/connect", proxy=None)
        await here.stream
        await here.program.says(re.compile("draining"))
        here.model.open("go")
        ended = await here.program.ended()
        flags = ("--base-url", here.model.base_url, "--model", "openai/m", "--auth", "none")
        async with started(tmp_path, "serve", "--port", "0", *flags, OPENAI_API_KEY=KEY) as program:
            address = await program.listening()
            async with httpx2.AsyncClient(base_url=address, trust_env=False) as client:
                shown = (await client.get(f"/api/v1/sessions/{here.session_id}")).json()

    said = [each["payload"] for each in shown["events"] if each["type"] == "agent_message"]
    assert ended.code == 0
    assert [each["content"] for each in said] == ["One two."]
    assert len(here.model.requests) == 1
