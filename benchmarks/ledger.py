"""What each statement of the ledger costs, over SQLite and over PostgreSQL.

    python -m benchmarks.ledger [--turns 200] [--sessions 20] [--json FILE] [--quick]

A turn as edge and worker make it: claim, decision (reply, call, usage), result. First one session
alone, each statement timed; then `--sessions` at once, which gives turns a second. Every commit is
synced: SQLite with synchronous=FULL, PostgreSQL with fsync on.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from benchmarks.loops import run
from benchmarks.report import add_options, machine, machine_line, percentile, write_json
from benchmarks.table import table
from maestro.bootstrap import migrate_ledger, open_ledger
from maestro.domain.events import (
    ExecutorAttached,
    ModelReplied,
    SessionOpened,
    ToolAnswered,
    ToolAsked,
    UsageCounted,
    UserSaid,
)
from maestro.ledger.ledger import SqlLedger
from maestro.ports import Appended, Claim, Opened
from maestro.settings import Backends
from protocol.wire import Usage
from tests.servers.postgres_server import PostgresServer, find_postgres, unprivileged

OWNER = "benchmark"


class Measured(msgspec.Struct, frozen=True):
    """One database."""

    database: str
    ms: dict[str, list[float]]
    """By statement, one session alone."""
    turns_per_s: float
    """Of all sessions together."""


class Report(msgspec.Struct, frozen=True):
    machine: dict[str, str]
    sessions: int
    databases: list[Measured]


class Session:
    """One session that makes turns; what each statement took is kept."""

    def __init__(self, ledger: SqlLedger, session_id: str) -> None:
        self._ledger = ledger
        self._session_id = session_id
        self.ms: dict[str, list[float]] = {name: [] for name in ("claim", "decision", "result")}
        self.ms["load"] = []

    @classmethod
    async def open(cls, ledger: SqlLedger, number: int) -> "Session":
        opened = await ledger.open_session(
            OWNER,
            f"handshake-{number}",
            SessionOpened("benchmark"),
            ExecutorAttached(1, "journal", ("Shell",)),
            UserSaid("m", "go"),
        )
        assert isinstance(opened, Opened)
        return cls(ledger, opened.session_id)

    async def turn(self, number: int) -> None:
        ledger, session_id = self._ledger, self._session_id
        clock = time.perf_counter
        began = clock()
        loaded = await ledger.load(session_id, after=10**9)
        assert loaded is not None
        at_claim = clock()
        claim = await ledger.claim(session_id, "worker", loaded.row.decision)
        assert isinstance(claim, Claim)
        at_decision = clock()
        name, tool_id = f"g{number}", f"t{number}"
        decided = (
            ModelReplied(name, loaded.row.head, "I shall look."),
            ToolAsked(tool_id, name, "Shell", {"command": "echo ok"}),
            UsageCounted(name, Usage(1000, 10)),
        )
        outcome = await ledger.append_decision(session_id, decided, claim, loaded.row.head)
        assert isinstance(outcome, Appended)
        at_result = clock()
        answered = ToolAnswered(tool_id, name, "success", "ok")
        told = await ledger.append_fact(OWNER, session_id, f"tool:{tool_id}", answered, epoch=1)
        assert isinstance(told, Appended)
        self.ms["load"].append((at_claim - began) * 1000)
        self.ms["claim"].append((at_decision - at_claim) * 1000)
        self.ms["decision"].append((at_result - at_decision) * 1000)
        self.ms["result"].append((clock() - at_result) * 1000)


async def measure(name: str, ledger: SqlLedger, turns: int, sessions: int) -> Measured:
    alone = await Session.open(ledger, 0)
    for number in range(turns):
        await alone.turn(number)
    crowd = [await Session.open(ledger, number + 1) for number in range(sessions)]
    each = max(1, turns // 10)

    async def keep_turning(session: Session) -> None:
        for number in range(each):
            await session.turn(number)

    began = time.monotonic()
    await asyncio.gather(*map(keep_turning, crowd))
    return Measured(name, alone.ms, each * sessions / (time.monotonic() - began))


@asynccontextmanager
async def _postgres() -> AsyncGenerator[Backends]:
    binaries = find_postgres()
    if binaries is None or unprivileged() is None:
        sys.exit("ledger: PostgreSQL of the development requirements can't run here")
    with PostgresServer.temporary(binaries, {"fsync": "on"}) as server:
        backends = Backends(database_url=server.dsn_of(server.create_database()))
        await migrate_ledger(backends)
        yield backends


async def _measure_both(folder: Path, turns: int, sessions: int, measured: list[Measured]) -> None:
    async with open_ledger(Backends(state=folder)) as ledger:
        measured.append(await measure("SQLite", ledger, turns, sessions))
    async with _postgres() as backends, open_ledger(backends) as ledger:
        measured.append(await measure("PostgreSQL", ledger, turns, sessions))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ledger")
    parser.add_argument("--turns", type=int, default=200)
    parser.add_argument("--sessions", type=int, default=20)
    add_options(parser)
    given = parser.parse_args(arguments)
    turns, sessions = (10, 2) if given.quick else (given.turns, given.sessions)
    measured: list[Measured] = []
    with tempfile.TemporaryDirectory(prefix="cg-", dir="/tmp") as name:
        run(_measure_both(Path(name), turns, sessions, measured))
    report = Report(machine(), sessions, measured)
    print(machine_line(report.machine), end="\n\n")
    rows = [
        (f"{one.database}, {what}", *(f"{percentile(ms, share):.2f}" for share in (0.5, 0.95)))
        for one in measured
        for what, ms in one.ms.items()
    ]
    print(table(("statement", "p50 ms", "p95 ms"), rows), end="\n\n")
    print(
        table(
            (f"{sessions} sessions at once", "turns /s"),
            [(one.database, f"{one.turns_per_s:.0f}") for one in measured],
        )
    )
    write_json(given.json, report)


if __name__ == "__main__":
    main()
