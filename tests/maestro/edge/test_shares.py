"""Whoever takes much waits, in order and for a known time; whoever takes little never does."""

import asyncio
from pathlib import Path

import httpx2
import pytest

from maestro.bus.memory_limits import MemoryLimits
from maestro.edge.auth import WAITING_MAX
from maestro.edge.shares import (
    BURST_SECONDS,
    BYTE_SECONDS,
    FRAME_SECONDS,
    KEPT,
    REQUEST_SECONDS,
    Share,
    Shares,
)
from maestro.ports import Quotas
from tests.maestro.edge.stage import Stage, call, result, stage
from tests.requirements import covers

MANY = 10.0
"""Seconds of work: far beyond any burst."""


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def test_a_burst_passes_at_once_and_what_follows_waits_for_its_share(clock: Clock) -> None:
    share = Shares(0.5, clock).of("ada")

    await share.spend(BURST_SECONDS)
    at_the_bound = share.wait
    await share.spend(0.1)

    assert at_the_bound == 0
    assert share.wait == pytest.approx(0.2)
    clock.now += 0.2
    assert share.wait == pytest.approx(0, abs=1e-9)


async def test_time_earns_no_more_than_a_burst(clock: Clock) -> None:
    share = Shares(0.5, clock).of("ada")
    clock.now += 3600

    share.charge(BURST_SECONDS + 1)

    assert share.wait == pytest.approx(2)


async def test_without_a_share_nobody_waits(clock: Clock) -> None:
    share = Shares(None, clock).of("ada")

    async with asyncio.timeout(20):
        for _ in range(100):
            await share.spend(MANY)

    assert share.wait == 0


async def test_what_one_takes_is_not_taken_from_another(clock: Clock) -> None:
    shares = Shares(0.2, clock)

    shares.of("mallory").charge(MANY)

    assert shares.of("mallory").wait > 0
    assert shares.of("ada").wait == 0


async def test_those_who_wait_go_in_the_order_in_which_they_came() -> None:
    share = Shares(1.0).of("ada")
    share.charge(BURST_SECONDS + 0.01)
    went: list[int] = []

    async def one(number: int) -> None:
        await share.spend(0.001)
        went.append(number)

    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        for number in range(20):
            tasks.create_task(one(number))

    assert went == list(range(20))
    assert share.waiting == 0


async def test_who_stops_waiting_leaves_the_queue_and_pays_nothing(clock: Clock) -> None:
    share = Shares(0.2, clock).of("ada")
    share.charge(MANY)
    wait = share.wait
    waiting = [asyncio.create_task(share.spend(MANY)) for _ in range(3)]
    await asyncio.sleep(0)
    assert share.waiting == 3

    for task in waiting:
        task.cancel()
    await asyncio.wait(waiting)

    assert (share.waiting, share.wait) == (0, wait)


async def test_those_who_did_nothing_lately_are_forgotten_and_the_others_are_not(
    clock: Clock,
) -> None:
    shares = Shares(0.2, clock)
    shares.of("mallory").charge(MANY)
    idle = shares.of("ada")
    for number in range(KEPT):
        shares.of(f"person-{number}")

    assert shares.of("mallory").wait > 0
    assert shares.of("ada") is not idle


def seconds_of(count: int, size: int, share: Share) -> float:
    """How long `count` frames of `size` bytes are held back, sent as fast as they are taken."""
    for _ in range(count):
        share.charge(FRAME_SECONDS + BYTE_SECONDS * size)
    return share.wait


@pytest.mark.parametrize(
    ("frames_a_second", "size"), [(50, 600), (500, 600), (50, 16 * 1024), (0.25, 4 * 2**20)]
)
async def test_an_honest_executor_never_waits(
    clock: Clock, frames_a_second: float, size: int
) -> None:
    share = Shares(0.2, clock).of("ada")

    for _ in range(int(60 * frames_a_second)):
        assert seconds_of(1, size, share) == 0
        clock.now += 1 / frames_a_second


@covers("R-QUOTA-4")
async def test_frames_that_are_held_back_all_arrive_and_in_order(tmp_path: Path) -> None:
    async with (
        asyncio.timeout(20),
        stage(tmp_path, share=0.2) as edge,
        edge.connect() as executor,
    ):
        await executor.handshake()
        edge.edge.shares.of(await owner(edge)).charge(BURST_SECONDS + 0.05)
        for number in range(20):
            await executor.send("interrupt", {}, id=f"i{number}")
        answers = [(await executor.until("accepted"))["payload"]["id"] for _ in range(20)]

    assert answers == [f"i{number}" for number in range(20)]


@covers("R-QUOTA-4")
async def test_while_one_is_held_back_another_is_answered(tmp_path: Path) -> None:
    async with asyncio.timeout(20), stage(tmp_path, share=0.2) as edge:
        other = await edge.ledger.accounts.create("grace")
        async with edge.connect() as mallory, edge.connect(token=other) as grace:
            await mallory.handshake()
            await grace.handshake(journal_id="g")
            edge.edge.shares.of(await owner(edge)).charge(BURST_SECONDS + 0.3)
            await mallory.send("interrupt", {}, id="late")
            await grace.send("tool_result", result("nobody-asked"))

            assert (await grace.until("error"))["payload"]["code"] == "unknown_call"
            assert edge.edge.shares.of(await owner(edge)).waiting == 1


async def owner(edge: Stage) -> str:
    account = await edge.ledger.accounts.authenticate(edge.token)
    assert account is not None
    return account.owner


@covers("R-QUOTA-2")
async def test_one_request_too_many_in_a_minute_is_refused_with_the_time(tmp_path: Path) -> None:
    quotas = MemoryLimits(Quotas(requests=3), clock=lambda: 1_800_000_000.0)
    async with asyncio.timeout(10), stage(tmp_path, quotas=quotas) as edge, edge.http() as client:
        other = await edge.ledger.accounts.create("grace")
        answers = [await client.get("/api/v1/sessions") for _ in range(4)]
        async with edge.http(other) as others:
            beside = await others.get("/api/v1/sessions")

    assert [answer.status_code for answer in (*answers, beside)] == [200, 200, 200, 429, 200]
    assert answers[-1].headers["Retry-After"] == "60"
    assert answers[-1].json()["error"]["message"] == "you made more than 3 requests within a minute"


@covers("R-QUOTA-4")
async def test_requests_wait_for_their_turn_and_too_many_of_them_do_not(tmp_path: Path) -> None:
    async with asyncio.timeout(20), stage(tmp_path, share=1.0) as edge, edge.http() as client:
        assert (await client.get("/api/v1/sessions")).status_code == 200
        share = edge.edge.shares.of(await owner(edge))
        share.charge(BURST_SECONDS + 0.5)

        answered = await client.get("/api/v1/sessions")
        share.waiting += WAITING_MAX
        refused = await client.get("/api/v1/sessions")
        share.waiting -= WAITING_MAX

    assert answered.status_code == 200
    assert share.wait < REQUEST_SECONDS + 0.1
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")


@covers("R-QUOTA-2")
async def test_who_may_send_nothing_more_is_told_so_at_the_door(tmp_path: Path) -> None:
    quotas = MemoryLimits(Quotas(bytes=100), clock=lambda: 1_800_000_000.0)
    async with asyncio.timeout(10), stage(tmp_path, quotas=quotas) as edge:
        await quotas.spend("bytes", await owner(edge), 101)
        async with edge.http() as client:
            answer = await client.get(
                "/ws/v1/connect",
                headers={
                    "Connection": "Upgrade",
                    "Upgrade": "websocket",
                    "Sec-WebSocket-Version": "13",
                    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
                },
            )

    assert isinstance(answer, httpx2.Response)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "60")


@covers("R-QUOTA-4")
async def test_an_honest_executors_output_and_a_large_result_pass_unharmed(tmp_path: Path) -> None:
    async with (
        asyncio.timeout(20),
        stage(tmp_path, share=0.2) as edge,
        edge.connect() as executor,
    ):
        session_id = (await executor.handshake())["payload"]["session_id"]
        await edge.decide(session_id, call("large"))
        share = edge.edge.shares.of(await owner(edge))
        for index in range(100):
            part = {"tool_id": "large", "index": index, "stream": "stdout", "content": "x" * 600}
            await executor.send("tool_output_delta", part)
        await executor.send("tool_result", result("large", result="y" * (4 * 2**20 - 4096)))

        assert (await executor.until("accepted"))["payload"] == {"tool_id": "large"}
        assert share.wait == 0
