"""Calls of two people, cancelled anywhere: does the next one get a reply of somebody else's?

`python -m tests.security.tenancy.crossing --count 10000` is the long form.
"""

import argparse
import asyncio
import contextlib
import random
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from maestro.bus.redis_writer import RedisWriter
from maestro.ledger.ledger import SqlLedger
from maestro.ledger.postgres import migrate, open_postgres
from maestro.ledger.sqlite import open_sqlite
from tests.contract.ledger.desk import Desk
from tests.servers.postgres_server import PostgresServer, find_postgres
from tests.servers.redis_server import RedisServer, find_valkey

AT_ONCE = 8
Ask = Callable[[str], Awaitable[str]]
"""Given a person, asks for what is theirs; the answer names whose it is."""


async def crossed(ask: Ask, people: Sequence[str], count: int, seed: int = 1) -> int:
    """How many of `count` calls that follow a cancelled one brought somebody else's reply."""
    chance = random.Random(seed)

    async def rounds(number: int) -> int:
        wrong = 0
        for turn in range(count // AT_ONCE):
            cancelled = asyncio.ensure_future(ask(people[(number + turn) % len(people)]))
            for _ in range(chance.randrange(8)):
                await asyncio.sleep(0)
            if chance.random() < 0.3:  # amid the call, not only at its first steps
                await asyncio.sleep(chance.random() / 1000)
            cancelled.cancel()
            person = people[(number + turn + 1) % len(people)]
            wrong += await ask(person) != person
            with contextlib.suppress(asyncio.CancelledError):
                await cancelled
        return wrong

    return sum(await asyncio.gather(*map(rounds, range(AT_ONCE))))


async def asking_ledger(ledger: SqlLedger, people: Sequence[str]) -> Ask:
    sessions = {person: await Desk.open(ledger, person, owner=person) for person in people}

    async def ask(person: str) -> str:
        loaded = await ledger.load(sessions[person].session_id, owner=person)
        return "nobody" if loaded is None else loaded.row.owner

    return ask


def asking_redis(writer: RedisWriter) -> Ask:
    async def ask(person: str) -> str:
        replies = await writer.ask_all([("ECHO", person), ("ECHO", person)])
        return "/".join({reply.decode() for reply in replies})

    return ask


async def _measured(count: int) -> int:
    people, wrong = ("ada", "grace"), 0
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        ledger = await open_sqlite(Path(folder) / "ledger.db")
        wrong += _told("SQLite", await crossed(await asking_ledger(ledger, people), people, count))
        await ledger.close()
    valkey, postgres = find_valkey(), find_postgres()
    if valkey is not None:
        with RedisServer.temporary(valkey) as server:
            writer = RedisWriter(server.url)
            wrong += _told("Redis", await crossed(asking_redis(writer), people, count))
            await writer.close()
    if postgres is not None:
        with PostgresServer.temporary(postgres) as server:
            dsn = server.dsn_of(server.create_database())
            await migrate(dsn)
            ledger = await open_postgres(dsn)
            ask = await asking_ledger(ledger, people)
            wrong += _told("PostgreSQL", await crossed(ask, people, count))
            await ledger.close()
    return wrong


def _told(what: str, wrong: int) -> int:
    sys.stdout.write(f"{what}: {wrong} crossed replies\n")
    return wrong


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    raise SystemExit(1 if asyncio.run(_measured(parser.parse_args().count)) else 0)
