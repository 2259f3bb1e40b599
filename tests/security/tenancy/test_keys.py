"""A key that ends closes what came in by it, and lets nothing in any more."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable

import pytest
from websockets.exceptions import InvalidStatus

from tests.maestro.edge.stage import Stage
from tests.requirements import covers
from tests.security.tenancy.people import adas_session, key_of


@contextlib.asynccontextmanager
async def stream(
    edge: Stage, token: str, session_id: str
) -> AsyncGenerator[Callable[[], Awaitable[None]]]:
    """An open event stream, and how to wait for its end."""
    async with (
        edge.http(token) as client,
        client.stream("GET", f"/api/v1/sessions/{session_id}/events") as response,
    ):
        lines = response.aiter_lines()
        await anext(lines)

        async def to_the_end() -> None:
            async for _ in lines:
                pass

        yield to_the_end


async def _revoke(edge: Stage, key_id: str) -> None:
    assert await edge.ledger.accounts.revoke(key_id)


async def _expire(edge: Stage, key_id: str) -> None:
    file = sqlite3.connect(edge.path.with_name("ledger.db"), isolation_level=None)
    with contextlib.closing(file):
        file.execute("UPDATE keys SET expires_at = 1 WHERE key_id = ?", (key_id,))


END = {"revoked": _revoke, "expired": _expire}


@covers("R-KEYS-2")
@pytest.mark.parametrize("end", ["revoked", "expired"])
async def test_sockets_and_streams_of_a_key_that_ends_are_closed(edge: Stage, end: str) -> None:
    accounts = edge.ledger.accounts
    async with asyncio.timeout(20):
        other = await accounts.create("ada")
        token = await accounts.create("ada", another=True)
        key_id = await key_of(edge, token)
        session_id, _ = await adas_session(edge, token)
        watch = f"/ws/v1/sessions/{session_id}/watch"
        async with (
            edge.connect(token=token) as executor,
            edge.connect(watch, token=token) as watcher,
            edge.connect(watch, token=other) as lasting,
            stream(edge, token, session_id) as stream_over,
        ):
            await executor.handshake(journal_id="another")

            await END[end](edge, key_id)

            told = (await executor.until("error"))["payload"]
            assert (told["code"], await executor.closed()) == ("not_allowed", 4001)
            assert (await watcher.until("error"))["payload"] == told
            assert await watcher.closed() == 4001
            await stream_over()
            with pytest.raises(InvalidStatus):
                async with edge.connect(token=token):
                    pass
            async with edge.connect(watch, token=other) as again:
                assert (await again.receive())["seq"] == 1
            assert lasting.socket.close_code is None
