"""A key that ends while its holder reads nothing: what is left unread holds nobody's door open."""

import asyncio
import contextlib
import json
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from maestro.domain.events import ToolAsked
from tests.maestro.edge.stage import LIMITS, Peer, Stage, handshake, stage
from tests.requirements import covers

LARGE = "x" * 500_000
ENOUGH = 12
"""Of large events: more than sockets and buffers hold."""


async def revoke(edge: Stage) -> None:
    (key,) = [key for key in await edge.ledger.accounts.keys() if key.name.startswith("user of")]
    assert await edge.ledger.accounts.revoke(key.key_id)


async def gone(edge: Stage) -> None:
    """Wait until nobody is attached; far shorter than a frame may stay unread."""
    async with asyncio.timeout(20):
        while edge.edge.peers.count:  # noqa: ASYNC110 - peers have no event for it
            await asyncio.sleep(0.02)


async def filled(edge: Stage, executor: Peer) -> str:
    """A session that holds more than anybody takes unread."""
    session_id: str = (await executor.handshake())["payload"]["session_id"]
    calls = [
        ToolAsked(f"t{number}", "1-1-1", "Shell", {"command": LARGE}) for number in range(ENOUGH)
    ]
    await edge.decide(session_id, *calls, tell=False)
    return session_id


@covers("R-TENANT-1")
@pytest.mark.parametrize("door", ["executor", "watcher", "events"])
async def test_who_reads_nothing_is_sent_away_with_their_key(door: str, tmp_path: Path) -> None:
    async with stage(tmp_path, limits=replace(LIMITS, send_seconds=3600)) as edge:
        async with asyncio.timeout(60), edge.connect() as executor:
            session_id = await filled(edge, executor)
        await gone(edge)
        reader, writer = await asyncio.open_unix_connection(edge.path)
        path = {
            "executor": "/ws/v1/connect",
            "watcher": f"/ws/v1/sessions/{session_id}/watch",
            "events": f"/api/v1/sessions/{session_id}/events",
        }[door]
        upgrade = "Connection: close\r\n" if door == "events" else UPGRADE
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {edge.token}\r\n"
            f"{upgrade}\r\n".encode()
        )
        await reader.readuntil(b"\r\n\r\n")
        cast("asyncio.Transport", writer.transport).pause_reading()
        if door == "executor":
            resume = {"session_id": session_id, "last_seq": 0}
            frame = {"type": "handshake", "payload": handshake(resume=resume)}
            writer.write(masked(json.dumps(frame).encode()))
        async with asyncio.timeout(20):
            while not edge.edge.peers.count:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.02)
        await revoke(edge)
        if door == "events":  # it has a page at most, and is not given the next one
            cast("asyncio.Transport", writer.transport).resume_reading()
            with contextlib.suppress(ConnectionResetError):
                while await reader.read(65536):
                    pass

        await gone(edge)
        writer.close()


UPGRADE = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


def masked(text: bytes) -> bytes:
    """A text frame whose mask is zero."""
    return b"\x81\xfe" + len(text).to_bytes(2, "big") + bytes(4) + text
