"""The parts of the Ledger port that are one statement each: reads, leases, presence.

Knows no event by name.
"""

import random
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from maestro.domain.events import StoredEvent
from maestro.ledger.database import LEASE_SECONDS, Database
from maestro.ledger.plan import UNSEEN_SECONDS
from maestro.ledger.rows import Row, claim_of, name, session_row, stored_event, summary
from maestro.ports import UNBOUNDED, Allowance, Claim, Exhausted, Loaded, SessionSummary

DAY_SECONDS = 86_400.0
PLACE_SECONDS = 2.0
"""On average, before a session asks again for a place among its owner's generations."""
LOAD_BYTES = 32 * 1024 * 1024
"""Of bodies in one `load`: one event always comes, whatever its size."""


class Sessions:
    """The part of the Ledger port that reads sessions, and deletes them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(
        self, session_id: str, *, after: int = 0, owner: str | None = None, limit: int = 10_000
    ) -> Loaded | None:
        rows = await self._database.read("row", name(session_id), owner)
        if not rows:
            return None
        row = session_row(rows[0])
        if after >= row.head:
            return Loaded(row, ())
        # Rows up to `head` were committed when the row was read, and rows never change: one
        # snapshot without a transaction. Only a deletion comes between.
        events = await self._database.read(
            "events", row.session_id, after, row.head, limit, LOAD_BYTES
        )
        return Loaded(row, tuple(map(stored_event, events))) if events else None

    async def open_calls(self, session_id: str) -> Sequence[StoredEvent]:
        rows = await self._database.read("open_calls", name(session_id))
        return tuple(map(stored_event, rows))

    async def list_sessions(
        self, owner: str, *, limit: int = 50, before: float | None = None
    ) -> Sequence[SessionSummary]:
        rows = await self._database.read("list_sessions", owner, before, limit)
        return tuple(map(summary, rows))

    async def summary(self, owner: str, session_id: str) -> SessionSummary | None:
        rows = await self._database.read("summary", owner, name(session_id))
        return summary(rows[0]) if rows else None

    async def run_number(self, session_id: str) -> int:
        (row,) = await self._database.read("run_number", name(session_id))
        return row["number"]

    async def delete_session(self, owner: str, session_id: str) -> bool:
        return bool(await self._database.run("delete_session", owner, name(session_id)))


class Claims:
    """The part of the Ledger port that workers use."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def rest(self, session_id: str, head: int, due_at: float | None) -> bool:
        return bool(await self._database.run("rest", session_id, head, due_at))

    async def claim(
        self, session_id: str, worker: str, decision: int, allowance: Allowance = UNBOUNDED
    ) -> Claim | Exhausted | None:
        bounds = (allowance.generations, allowance.tokens_a_day)
        rows = await self._database.run(
            "claim", session_id, worker, decision, LEASE_SECONDS, *bounds
        )
        if not rows and bounds != (None, None):
            spent = await self._database.read("spent", session_id)
            return _exhausted(spent[0], allowance) if spent else None
        return claim_of(session_id, worker, *rows)

    async def reattempt(self, claim: Claim) -> Claim | None:
        rows = await self._database.run("reattempt", *_fence(claim), LEASE_SECONDS)
        return claim_of(claim.session_id, claim.worker, *rows)

    async def renew(self, worker: str) -> Mapping[str, tuple[int, int]]:
        rows = await self._database.run("renew", worker, LEASE_SECONDS)
        return {row["session_id"]: (row["decision"], row["attempt"]) for row in rows}

    async def release(self, claim: Claim) -> None:
        await self._database.run("release", *_fence(claim))

    async def due(
        self, limit: int = 100, *, worker: str = "", soon: float = 0.0
    ) -> Mapping[str, float]:
        rows = await self._database.read("due", limit, worker, soon)
        return {row["session_id"]: row["seconds"] for row in rows}


class Presence:
    """The part of the Ledger port that edges ask for all their sockets at once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def heads(self, session_ids: Iterable[str]) -> Mapping[str, tuple[int, int]]:
        rows = await self._database.read("heads", _json(list(session_ids)))
        return {row["session_id"]: (row["head"], row["epoch"]) for row in rows}

    async def touch(self, epochs: Mapping[str, int]) -> None:
        await self._database.run("touch", _json(dict(epochs)))

    async def lost_executors(self, limit: int = 100) -> Sequence[tuple[str, str, int]]:
        rows = await self._database.read("lost_executors", UNSEEN_SECONDS, limit)
        return tuple((row["owner"], row["session_id"], row["epoch"]) for row in rows)


def _exhausted(spent: Row, allowance: Allowance) -> Exhausted | None:
    """What of the allowance is used up; None: something else stood in the way."""
    now: float = spent["now"]
    if allowance.tokens_a_day is not None and spent["tokens"] >= allowance.tokens_a_day:
        return Exhausted("tokens", (now // DAY_SECONDS + 1) * DAY_SECONDS)
    if allowance.generations is not None and spent["running"] >= allowance.generations:
        return Exhausted("generations", now + PLACE_SECONDS * random.uniform(0.5, 1.5))
    return None


def _fence(claim: Claim) -> tuple[str, str, int, int]:
    return claim.session_id, claim.worker, claim.decision, claim.attempt


def _json(value: list[str] | dict[str, int]) -> str:
    return msgspec.json.encode(value).decode()
