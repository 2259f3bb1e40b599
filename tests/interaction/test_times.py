"""How soon things are seen on one machine, with Redis in between.

The bound is 50 ms; the second best of some tries is held to it, because a machine that is busy
with other work takes longer most of the time.
"""

import time
from pathlib import Path

import pytest

from protocol.from_maestro import AgentMessageDelta
from tests.interaction.test_users_contract import start
from tests.interaction.world import world
from tests.requirements import covers
from tests.scripted_model import Reply, held, text

BOUND_SECONDS = 0.05
TIMES = 7


@pytest.fixture(params=["memory", "redis"])
def bus_url(request: pytest.FixtureRequest) -> str | None:
    return request.getfixturevalue("redis_url") if request.param == "redis" else None


@covers("R-TIME-1")
async def test_a_handshake_is_acknowledged_within_50_ms(
    bus_url: str | None, tmp_path: Path
) -> None:
    took: list[float] = []
    script: list[Reply] = [text("Done.")] * TIMES
    async with world(tmp_path, script, redis_url=bus_url) as here:
        for _ in range(TIMES):
            async with here.connected() as peer:
                began = time.perf_counter()
                await start(peer)
                took.append(time.perf_counter() - began)

    assert sorted(took)[1] < BOUND_SECONDS, took


@covers("R-TIME-2")
async def test_the_first_token_is_shown_within_50_ms_of_the_model_sending_it(
    bus_url: str | None, tmp_path: Path
) -> None:
    took: list[float] = []
    script = [held(text("Hel", "lo."), f"go-{number}", after=1) for number in range(TIMES)]
    async with world(tmp_path, script, redis_url=bus_url) as here, here.program() as program:
        for number in range(TIMES):
            await here.model.requested(number + 1)
            seen = len(program.view.all(AgentMessageDelta))
            began = time.perf_counter()
            here.model.open(f"go-{number}")
            await program.view.until(
                AgentMessageDelta,
                lambda _, seen=seen: len(program.view.all(AgentMessageDelta)) > seen,
            )
            took.append(time.perf_counter() - began)
            await program.over()
            if number + 1 < TIMES:
                program.session.say("again")

    assert sorted(took)[1] < BOUND_SECONDS, took
