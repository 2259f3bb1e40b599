"""One person at every limit of a maestro, and what another notices: the time of their turns.

`python -m tests.security.tenancy.flood --turns 200 --rounds 3` is the long form: a real maestro
over PostgreSQL and Redis, a scripted model, turns with and without a flood in turn. The flood is a
process of its own with a lower priority, as it would come from machines elsewhere.
"""

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx2
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from tests.architecture.sources import ROOT
from tests.e2e.team import Team, team
from tests.scripted_model import ScriptedModel, text
from tests.servers.postgres_server import PostgresServer, find_postgres
from tests.servers.redis_server import RedisServer, find_valkey

SECONDS = 30.0
PATH = "/ws/v1/connect"
THINKS_SECONDS = 0.05
"""Between two turns: else the honest person would be at a bound too."""
_AGAIN_SECONDS = 0.25
_WARM_SECONDS = 3.0
_RUNS = 50
BOUNDS = {"MAESTRO_USER_SOCKETS": "16", "MAESTRO_USER_BYTES_A_MINUTE": "16000000"}
"""Of each person: lower than they are by themselves, so that the flood is soon at them."""
Json = dict[str, Any]
Way = Callable[[str, str], Awaitable[None]]


class Honest:
    """A person with one session, who says something and waits for the end."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._said = 0

    async def turn(self) -> float:
        """Seconds from the prompt to the end of its run."""
        self._said += 1
        began = time.perf_counter()
        if self._said == 1:
            await self._socket.send(_handshake("hello"))
        else:
            said: Json = {"content": f"and {self._said}"}
            await self._socket.send(_frame("user_message", said, f"m{self._said}"))
        async with asyncio.timeout(SECONDS):
            while json.loads(await self._socket.recv())["type"] != "run_finished":
                pass
        return time.perf_counter() - began


async def honest_turns(address: str, token: str, count: int) -> list[float]:
    """The first makes the session, and does not count."""
    async with connect(f"ws://{address}{PATH}", additional_headers=_key(token)) as socket:
        person = Honest(socket)
        took: list[float] = []
        for _ in range(count + 1):
            took.append(await person.turn())
            await asyncio.sleep(THINKS_SECONDS)
        return took[1:]


def p95(took: Sequence[float]) -> float:
    return statistics.quantiles(took, n=20)[-1]


@contextlib.asynccontextmanager
async def flooded(address: str, token: str, ways: Sequence[str]) -> AsyncGenerator[None]:
    """While it lasts, this person sends all that they can."""
    program = [sys.executable, "-m", "tests.security.tenancy.flood", "--attack", address, token]
    program += ["--ways", *ways]
    process = await asyncio.create_subprocess_exec(
        *program, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(SECONDS):
            await process.stdout.readline()  # it does all that it can
        yield
    finally:
        assert process.returncode is None, "the flood ended by itself"
        process.kill()
        await process.wait()


async def attack(address: str, token: str, ways: Sequence[str]) -> None:
    """For ever; what is refused comes again at once."""
    os.nice(10)
    refused = {name: asyncio.Event() for name in ways}
    tasks = [
        asyncio.create_task(_again(WAYS[name][0], address, token, refused[name]))
        for name in ways
        for _ in range(WAYS[name][1])
    ]
    with contextlib.suppress(TimeoutError):  # not every way is refused by every bound
        async with asyncio.timeout(_WARM_SECONDS):
            for event in refused.values():
                await event.wait()
    sys.stdout.write("refused\n")
    sys.stdout.flush()
    await asyncio.gather(*tasks)


async def _again(way: Way, address: str, token: str, refused: asyncio.Event) -> None:
    while True:
        try:
            await way(address, token)
        except (OSError, WebSocketException, TimeoutError, httpx2.HTTPError):
            refused.set()
        except AttributeError:  # asyncio's, for a write to what was closed a moment ago
            refused.set()
        await asyncio.sleep(_AGAIN_SECONDS)


async def _frames(address: str, token: str) -> None:
    """What nobody knows, as large as it may be, until the connection is closed."""
    async with connect(f"ws://{address}{PATH}", additional_headers=_key(token)) as socket:
        await socket.send(_handshake(""))
        frame = _frame("unheard_of", {"x": "é" * 200_000}, "f")
        while True:
            await socket.send(frame)


async def _sockets(address: str, token: str) -> None:
    """More than there may be, each held until it is closed."""
    async with connect(f"ws://{address}{PATH}", additional_headers=_key(token)) as socket:
        await socket.send(_handshake(""))
        await socket.wait_closed()


async def _runs(address: str, token: str) -> None:
    """One run after the other."""
    async with connect(f"ws://{address}{PATH}", additional_headers=_key(token)) as socket:
        person = Honest(socket)
        for _ in range(_RUNS):
            await person.turn()


async def _requests(address: str, token: str) -> None:
    async with httpx2.AsyncClient(timeout=5.0, trust_env=False) as client:
        url = f"http://{address}/api/v1/sessions"
        while (await client.get(url, headers=_key(token))).status_code == 200:
            pass


async def _strangers(address: str, _token: str) -> None:
    async with connect(f"ws://{address}{PATH}", additional_headers=_key("cg_" + "x" * 43)):
        pass


WAYS: dict[str, tuple[Way, int]] = {
    "frames": (_frames, 12),
    "sockets": (_sockets, 20),
    "runs": (_runs, 8),
    "requests": (_requests, 4),
    "strangers": (_strangers, 2),
}
"""What a flood is made of, and how many do it at once."""
REFUSED = ("frames", "sockets", "strangers")
"""Those that lowered bounds stop soon; the others wait for their share."""


def _key(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _handshake(prompt: str) -> str:
    fresh = os.urandom(16).hex()  # a handshake that is sent again opens nothing new
    said: Json = {"client_type": "cli", "initial_prompt": prompt, "known_tools": []}
    return _frame("handshake", {**said, "journal_id": fresh}, fresh)


def _frame(kind: str, payload: Json, frame_id: str) -> str:
    return json.dumps({"type": kind, "id": frame_id, "payload": payload})


async def compared(
    made: Team, turns: int, ways: Sequence[str], bounds: Mapping[str, str] = BOUNDS
) -> AsyncGenerator[tuple[list[float], list[float]]]:
    """For ever: seconds of the turns without a flood, and with one.

    All on one maestro, which lets in whom it knows although strangers fail at the same address.
    """
    maestro = made.start(**bounds)
    await asyncio.to_thread(maestro.wait)
    created = await asyncio.to_thread(made.run, "keys", "create", f"mallory-{len(made.maestros)}")
    address = "{}:{}".format(*maestro.address)
    async with ScriptedModel(lambda _: text("Done."), port=made.model_port):
        while True:
            calm = await honest_turns(address, made.token, turns)
            async with flooded(address, created.stdout.strip(), ways):
                under_flood = await honest_turns(address, made.token, turns)
            yield calm, under_flood


async def _long(turns: int, rounds: int, ways: Sequence[str], bounds: Mapping[str, str]) -> None:
    postgres, redis = find_postgres(), find_valkey()
    assert postgres is not None
    assert redis is not None
    with (
        tempfile.TemporaryDirectory() as folder,
        PostgresServer.temporary(postgres) as server,
        RedisServer.temporary(redis) as bus,
        team(Path(folder), server.dsn_of(server.create_database()), bus.url) as made,
    ):
        calm: list[float] = []
        under_flood: list[float] = []
        async with contextlib.aclosing(compared(made, turns, ways, bounds)) as halves:
            for _ in range(rounds):
                alone, beside = await anext(halves)
                calm += alone
                under_flood += beside
    for name, took in (("alone", calm), ("beside a flood", under_flood)):
        figures = (statistics.median(took) * 1000, p95(took) * 1000, max(took) * 1000)
        sys.stdout.write(
            "{:15} median {:6.1f}, p95 {:6.1f}, max {:6.1f} ms\n".format(name, *figures)
        )
    sys.stdout.write(f"p95: {p95(under_flood) / p95(calm):.2f} times\n")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.security.tenancy.flood")
    parser.add_argument("--turns", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--attack", nargs=2, metavar=("ADDRESS", "TOKEN"), help="be the flood")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=REFUSED)
    parser.add_argument("--defaults", action="store_true", help="the bounds that a maestro has")
    chosen = parser.parse_args()
    if chosen.attack:
        address, token = chosen.attack
        asyncio.run(attack(address, token, chosen.ways))
    else:
        bounds = {} if chosen.defaults else BOUNDS
        asyncio.run(_long(chosen.turns, chosen.rounds, chosen.ways, bounds))


if __name__ == "__main__":
    main()
