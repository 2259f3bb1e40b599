"""Two processes' edges over one ledger and one Redis."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from maestro.bus.redis_streams import RedisBus
from maestro.domain.events import ModelReplied
from maestro.edge.dependencies import TokenAuth
from maestro.ports import Live
from protocol.from_maestro import AgentMessageDelta
from tests.maestro.edge.stage import Stage, call, result, stage
from tests.requirements import covers


@contextlib.asynccontextmanager
async def two_edges(folder: Path, redis_url: str) -> AsyncGenerator[tuple[Stage, Stage]]:
    """Both know the first one's token."""
    one_bus, two_bus = RedisBus(redis_url), RedisBus(redis_url)
    second = folder / "second"
    second.mkdir()
    (second / "ledger.db").symlink_to(folder / "ledger.db")
    async with stage(folder, bus=one_bus) as one:
        auth = TokenAuth(one.ledger.accounts)
        async with stage(second, bus=two_bus, auth=auth) as two:
            two.token = one.token
            yield one, two
    await one_bus.close()
    await two_bus.close()


async def test_a_drained_edge_hands_its_executor_to_another(tmp_path: Path, redis_url: str) -> None:
    async with asyncio.timeout(20), two_edges(tmp_path, redis_url) as (one, two):
        async with one.connect() as executor:
            session_id = (await executor.handshake())["payload"]["session_id"]
            await one.decide(session_id, ModelReplied("1-1-1", 3, "both"), call("t1"))
            await executor.until("run_tool")
            await one.edge.drain()
            assert await executor.closed() == 1012
            with pytest.raises(InvalidStatus) as refused:
                async with one.connect():
                    pass
            assert refused.value.response.status_code == 503

        async with two.connect() as executor:
            resume = {"session_id": session_id, "last_seq": 5}
            resumed = await executor.handshake(resume=resume)
            assert resumed["payload"]["epoch"] == 2
            again = await executor.until("run_tool")
            assert (again["seq"], again["payload"]["tool_id"]) == (5, "t1")
            await executor.send("tool_result", result("t1"))
            await executor.until("accepted")


async def test_a_resume_elsewhere_ends_the_older_socket(tmp_path: Path, redis_url: str) -> None:
    async with (
        asyncio.timeout(20),
        two_edges(tmp_path, redis_url) as (one, two),
        one.connect() as older,
    ):
        session_id = (await older.handshake())["payload"]["session_id"]
        await older.until("status")
        async with two.connect() as newer:
            await newer.handshake(resume={"session_id": session_id, "last_seq": 3})
            assert await older.closed() == 4009
            await newer.send("interrupt", {}, id="i1")
            assert (await newer.until("accepted"))["payload"] == {"id": "i1"}
        assert (await one.kinds(session_id))[3:5] == ["executor_attached", "interrupted"]


@covers("R-WATCH-1")
async def test_two_watchers_of_two_edges_see_the_same_stream(
    tmp_path: Path, redis_url: str
) -> None:
    async with (
        asyncio.timeout(20),
        two_edges(tmp_path, redis_url) as (one, two),
        one.connect() as executor,
    ):
        session_id = (await executor.handshake())["payload"]["session_id"]
        path = f"/ws/v1/sessions/{session_id}/watch"
        async with one.connect(path) as here, two.connect(path) as there:
            for watcher in (here, there):
                await watcher.until("status")
            delta = Live(AgentMessageDelta("1-1-1", "look"))
            await one.bus.publish(session_id, delta)
            await one.decide(session_id, ModelReplied("1-1-1", 3, "looking"), call("t1"))
            seen = [[await watcher.receive() for _ in range(4)] for watcher in (here, there)]

    assert seen[0] == seen[1]
    assert [frame["type"] for frame in seen[0]] == [
        "agent_message_delta",
        "agent_message",
        "run_tool",
        "status",
    ]
