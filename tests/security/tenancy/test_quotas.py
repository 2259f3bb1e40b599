"""Who is at a limit is told so, with the time; who is not does not notice."""

import asyncio
import ipaddress
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from websockets.exceptions import InvalidStatus

from maestro.bus.memory_limits import MemoryLimits
from maestro.edge.address import client_address
from maestro.edge.app import create_app
from maestro.edge.failures import MAX_KNOWN, Failures
from maestro.ports import Quotas
from tests.maestro.edge.stage import LIMITS, Stage, stage
from tests.requirements import covers

NOON = 1_800_000_000.0


def limits(**quotas: int) -> MemoryLimits:
    return MemoryLimits(Quotas(**quotas), clock=lambda: NOON)


async def refusal(edge: Stage, path: str = "/ws/v1/connect", **peer: Any) -> tuple[int, str, str]:
    """Status, Retry-After and body of a refused upgrade."""
    with pytest.raises(InvalidStatus) as refused:
        async with edge.connect(path, **peer):
            pass
    response = refused.value.response
    return (
        response.status_code,
        response.headers.get("Retry-After", ""),
        bytes(response.body or b"").decode(),
    )


@covers("R-QUOTA-2")
async def test_one_socket_too_many_is_refused_and_one_that_ends_makes_room(tmp_path: Path) -> None:
    async with asyncio.timeout(10), stage(tmp_path, quotas=limits(sockets=2)) as edge:
        other = await edge.ledger.accounts.create("grace")
        async with edge.connect() as first, edge.connect():
            status, wait, said = await refusal(edge)
            assert (status, wait) == (429, "10")
            assert "you have 2 connections" in said
            async with edge.connect(token=other):
                pass
            started = await first.handshake()
            session = f"/api/v1/sessions/{started['payload']['session_id']}"
            async with edge.http() as client:
                assert (await client.get(f"{session}/events")).status_code == 429
                assert (await client.get(session)).status_code == 200
            watch = f"/ws/v1/sessions/{started['payload']['session_id']}/watch"
            assert (await refusal(edge, watch))[0] == 429
        while await _try(edge) == 429:  # until the first of them is gone for the server too
            pass


@covers("R-QUOTA-2")
async def test_one_session_too_many_is_refused_with_the_time_and_a_resume_is_not(
    tmp_path: Path,
) -> None:
    async with asyncio.timeout(10), stage(tmp_path, quotas=limits(sessions=1)) as edge:
        async with edge.connect() as executor:
            session_id = (await executor.handshake())["payload"]["session_id"]
        async with edge.connect() as executor:
            told = await executor.handshake()
            assert await executor.closed() == 4029
        async with edge.connect() as executor:
            resume = {"session_id": session_id, "last_seq": 0}
            again = await executor.handshake(resume=resume)

    assert told["payload"] == {
        "code": "rate_limited",
        "message": "you opened 1 sessions within an hour, the most that one may",
        "retryable": True,
        "retry_after": 3600 - NOON % 3600,
    }
    assert again["type"] == "session_started"


@covers("R-QUOTA-2")
async def test_who_sends_too_much_is_sent_away_for_a_while(tmp_path: Path) -> None:
    small = replace(LIMITS, metered_bytes=1000)
    async with (
        asyncio.timeout(10),
        stage(tmp_path, quotas=limits(bytes=10_000), limits=small) as edge,
        edge.connect() as flooder,
    ):
        other = await edge.ledger.accounts.create("grace")
        async with edge.connect(token=other) as grace:
            await flooder.handshake()
            await grace.handshake(journal_id="g")
            for _ in range(30):
                await flooder.send("unheard_of", {"x": "é" * 500})
            told = (await flooder.until("error"))["payload"]

            assert (told["code"], told["retry_after"]) == ("rate_limited", 60.0)
            assert await flooder.closed() == 4029
            await grace.send("interrupt", {}, id="i1")
            assert (await grace.until("accepted"))["payload"] == {"id": "i1"}


@covers("R-QUOTA-3")
async def test_a_wrong_token_is_looked_at_so_often_and_then_not(tmp_path: Path) -> None:
    async with asyncio.timeout(10), stage(tmp_path, quotas=limits(failures=3)) as edge:
        answers = [await refusal(edge, token="cg_wrong") for _ in range(5)]
        async with edge.connect():
            pass

    assert [status for status, _, _ in answers] == [401, 401, 401, 429, 429]
    assert answers[-1][1] == "60"


@covers("R-QUOTA-3")
async def test_an_address_that_fails_too_often_waits_but_known_tokens_pass(
    tmp_path: Path,
) -> None:
    proxies = (ipaddress.ip_network("10.0.0.0/8"),)
    async with (
        asyncio.timeout(10),
        stage(tmp_path, quotas=limits(failures=3), trusted_proxies=proxies) as edge,
    ):
        fresh = await edge.ledger.accounts.create("grace")

        app = create_app(edge.edge)
        transport = httpx2.ASGITransport(app, client=("10.0.0.1", 1))
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:

            async def asked(token: str, address: str) -> int:
                headers = {"Authorization": f"Bearer {token}", "X-Forwarded-For": address}
                return (await client.get("/api/v1/sessions", headers=headers)).status_code

            assert await asked(edge.token, "203.0.113.7") == 200
            wrong = [await asked(f"cg_wrong{number}", "203.0.113.7") for number in range(4)]
            assert wrong == [401, 401, 401, 429]
            assert await asked(fresh, "203.0.113.7") == 429
            assert await asked(edge.token, "203.0.113.7") == 200
            assert await asked(fresh, "203.0.113.8") == 200
            assert await asked(fresh, "203.0.113.8, 203.0.113.7") == 200  # known by now


@covers("R-QUOTA-3")
async def test_a_key_whose_handshakes_fail_waits(tmp_path: Path) -> None:
    async with asyncio.timeout(10), stage(tmp_path, quotas=limits(failures=2)) as edge:
        for _ in range(2):
            async with edge.connect() as executor:
                await executor.send("handshake", {"client_type": 7})
                assert await executor.closed() == 4000

        while (answered := await _try(edge)) == 101:  # counted once the socket is gone
            pass
        assert answered == 429


async def _try(edge: Stage) -> int:
    try:
        async with edge.connect():
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


async def test_a_flood_of_one_persons_sockets_leaves_room_for_another(tmp_path: Path) -> None:
    few = replace(LIMITS, sockets=40)
    async with (
        asyncio.timeout(30),
        stage(tmp_path, quotas=limits(sockets=20), limits=few) as edge,
    ):
        other = await edge.ledger.accounts.create("grace")

        async def flood() -> int:
            try:
                async with edge.connect() as socket:
                    await socket.handshake(journal_id=None)
                    await released.wait()
                    return 101
            except InvalidStatus as refused:
                return refused.response.status_code

        released = asyncio.Event()
        flooding = [asyncio.create_task(flood()) for _ in range(200)]
        async with edge.connect(token=other) as grace:
            started = await grace.handshake(journal_id="g")
            await grace.send("interrupt", {}, id="i1")
            accepted = await grace.until("accepted")
        done = [task for task in flooding if not task.done()]
        while len(done) > 20:
            await asyncio.wait(done, return_when=asyncio.FIRST_COMPLETED)
            done = [task for task in flooding if not task.done()]
        released.set()
        ends = await asyncio.gather(*flooding)

    assert (started["type"], accepted["payload"]) == ("session_started", {"id": "i1"})
    assert (ends.count(101), ends.count(429)) == (20, 180)


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.7", [], "203.0.113.7"),
        ("203.0.113.7", ["198.51.100.1"], "203.0.113.7"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.1", "10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", ["nonsense"], None),
        ("2001:db8::1", [], "2001:db8::/64"),
        ("::ffff:10.0.0.1", ["2001:db8:0:1::9"], "2001:db8:0:1::/64"),
        (None, ["198.51.100.1"], None),
        ("", [], None),
    ],
)
def test_an_address_is_believed_of_trusted_proxies_alone(
    peer: str | None, forwarded: list[str], address: str | None
) -> None:
    trusted = (ipaddress.ip_network("10.0.0.0/8"),)

    assert client_address(peer, forwarded, trusted) == address


async def test_tokens_that_are_remembered_are_bounded_and_forgotten_when_they_fail() -> None:
    failures = Failures(limits(failures=1))
    await failures.failed("198.51.100.1", None)
    for number in range(MAX_KNOWN + 1):
        failures.passed(f"token-{number}", "ada")
    failures.passed(None, "ada")
    assert await failures.refusal("198.51.100.1", "token-0") is not None
    assert await failures.refusal("198.51.100.1", "token-1") is None

    await failures.failed("198.51.100.2", "token-1")

    assert await failures.refusal("198.51.100.3", "token-1") is not None
