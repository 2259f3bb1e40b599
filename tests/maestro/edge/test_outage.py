"""Nothing is lost when the ledger goes away, when nudges are lost, or when a peer is slow."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from maestro.domain.events import UsageCounted
from maestro.ledger.postgres import migrate, open_postgres
from protocol.wire import Usage
from tests.maestro.edge.stage import LIMITS, Stage, call, result, stage
from tests.requirements import covers
from tests.servers.postgres_server import PostgresServer, find_postgres, unprivileged


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    """A server that the test may stop."""
    binaries = find_postgres()
    if binaries is None or unprivileged() is None:
        pytest.skip("no PostgreSQL for this platform and user")
    with PostgresServer.temporary(binaries) as server:
        yield server


@pytest.fixture
async def edge_over_postgres(tmp_path: Path, own_server: PostgresServer) -> AsyncIterator[Stage]:
    await migrate(own_server.dsn)
    async with stage(tmp_path, ledger=await open_postgres(own_server.dsn)) as built:
        yield built


@covers("R-GATE-3")
async def test_what_is_sent_while_the_ledger_is_away_is_accepted_when_it_is_back(
    edge_over_postgres: Stage, own_server: PostgresServer
) -> None:
    edge = edge_over_postgres
    async with asyncio.timeout(30), edge.connect() as executor:
        session_id = (await executor.handshake())["payload"]["session_id"]
        await edge.decide(session_id, call("t1"))
        await executor.until("run_tool")
        own_server.kill()
        await executor.send("tool_result", result("t1"))
        await executor.send("user_message", {"content": "hurry"}, id="m1")
        async with edge.http() as client:
            answer = await client.get("/api/v1/sessions")
            assert answer.status_code == 503
            assert (await client.get("/ready")).status_code == 503
            assert (await client.get("/health")).status_code == 200
        pong = await executor.socket.ping()
        await pong
        own_server.start()

        assert (await executor.until("accepted"))["payload"] == {"tool_id": "t1"}
        assert (await executor.until("accepted"))["payload"] == {"id": "m1", "of_seq": 6}
        assert (await edge.kinds(session_id))[-2:] == ["tool_answered", "user_said"]


@covers("R-WATCH-2")
async def test_who_wants_in_while_the_ledger_is_away_is_told_and_let_in_when_it_is_back(
    tmp_path: Path, own_server: PostgresServer
) -> None:
    await migrate(own_server.dsn)
    limits = replace(LIMITS, word_seconds=0.1)
    ledger = await open_postgres(own_server.dsn)
    async with (
        asyncio.timeout(30),
        stage(tmp_path, ledger=ledger, limits=limits) as edge,
        edge.connect() as executor,
    ):
        own_server.kill()
        told = await executor.handshake()
        own_server.start()
        started = await executor.receive()

    assert (told["type"], told["payload"]["retryable"]) == ("error", True)
    assert "database" in told["payload"]["message"]
    assert started["type"] == "session_started"


async def test_a_slow_watcher_misses_no_row(edge: Stage) -> None:
    async with asyncio.timeout(20):
        async with edge.connect() as executor:
            session_id = (await executor.handshake())["payload"]["session_id"]
        async with edge.connect(f"/ws/v1/sessions/{session_id}/watch") as watcher:
            usage = UsageCounted("1-1-1", Usage(input_tokens=1))
            for _ in range(40):
                await edge.decide(session_id, *[usage] * 30)
            seen: list[int] = []
            while len(seen) < 1204:
                frame = await watcher.receive()
                seen += [frame["seq"]] if "seq" in frame else []

    assert seen == list(range(1, 1205))


async def test_a_peer_that_does_not_read_is_let_go(tmp_path: Path) -> None:
    limits = replace(LIMITS, send_seconds=0.2)
    async with (
        asyncio.timeout(20),
        stage(tmp_path, limits=limits) as edge,
        edge.connect() as executor,
    ):
        session_id = (await executor.handshake())["payload"]["session_id"]
        assert await edge.stepped.get() == session_id
        executor.socket.transport.pause_reading()
        for number in range(20):
            big = call(f"t{number}")
            big.parameters["command"] = "x" * 500_000
            await edge.decide(session_id, big)

        assert await edge.stepped.get() == session_id
        assert "executor_lost" in await edge.kinds(session_id)
        executor.socket.transport.abort()


async def test_nobody_waits_for_ever_for_a_handshake(tmp_path: Path) -> None:
    limits = replace(LIMITS, handshake_seconds=0.1)
    async with (
        asyncio.timeout(20),
        stage(tmp_path, limits=limits) as edge,
        edge.connect() as executor,
    ):
        assert (await executor.receive())["payload"] == {
            "code": "bad_handshake",
            "message": "no handshake in time",
        }
        assert await executor.closed() == 4000


async def test_a_frame_above_the_limit_ends_the_socket(edge: Stage) -> None:
    async with asyncio.timeout(10), edge.connect() as executor:
        await executor.handshake()
        with contextlib.suppress(ConnectionClosed):  # it may notice while it is sending
            await executor.socket.send(json.dumps({"type": "interrupt", "x": "y" * 4_194_304}))

        assert await executor.closed() == 1009


async def test_a_full_process_lets_nobody_else_in(tmp_path: Path) -> None:
    limits = replace(LIMITS, sockets=1)
    async with (
        asyncio.timeout(20),
        stage(tmp_path, limits=limits) as edge,
        edge.http() as client,
        edge.connect() as executor,
    ):
        session_id = (await executor.handshake())["payload"]["session_id"]
        await executor.until("status")
        answer = await client.get(f"/api/v1/sessions/{session_id}/events")

    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "too_many")


async def test_who_has_said_nothing_yet_takes_a_place_too(tmp_path: Path) -> None:
    limits = replace(LIMITS, sockets=1)
    async with asyncio.timeout(20), stage(tmp_path, limits=limits) as edge, edge.connect():
        with pytest.raises(InvalidStatus) as refused:
            async with edge.connect():
                pass

    assert refused.value.response.status_code == 503
