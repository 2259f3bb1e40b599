"""What happened in one session, gathered from everybody who saw it: the material of the checker.

Reads ledgers, sockets, files and the process table; judges nothing.
"""

import asyncio
import hashlib
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from executor.process.environment import MARK
from maestro.domain.events import ExecutorAttached, StoredEvent
from maestro.ports import Ledger
from tests.faults.chaos import Passed
from tests.faults.frames import Json, texts
from tests.faults.work import effects

STRAY_SECONDS = 3.0
_PAUSE = 0.05


@dataclass(frozen=True)
class Attached:
    """One connection of an executor, as the proxy in front of it saw it."""

    said: tuple[Json, ...]
    heard: tuple[Json, ...]

    @property
    def is_executors(self) -> bool:
        return bool(self.said) and self.said[0]["type"] == "handshake"

    @classmethod
    def of(cls, passed: Passed) -> "Attached":
        return cls(tuple(texts(bytes(passed.up))), tuple(texts(bytes(passed.down))))


@dataclass(frozen=True)
class History:
    rows: tuple[StoredEvent, ...]
    """The ledger's."""
    effects: Mapping[str, int] = field(default_factory=dict[str, int])
    """How often each countable effect happened."""
    watched: tuple[tuple[int, ...], ...] = ()
    """The seqs of each watcher, over all its sockets."""
    attached: tuple[Attached, ...] = ()
    """The connections of its executors, in order."""
    strays: tuple[str, ...] = ()
    """Processes of its calls that were alive long after its end."""
    changed_outside: tuple[str, ...] = ()
    """Files beside the workspace that are not what they were."""


class Watcher:
    """Follows a session to the end of its first run, over as many sockets as it takes."""

    def __init__(self, address: str) -> None:
        self._address = address.replace("http", "ws", 1)
        self.seqs: list[int] = []
        """Every durable frame's, in the order of its arrival."""
        self.sockets = 0

    async def follow(self, session_id: str) -> None:
        while True:
            try:
                if await self._followed(session_id):
                    return
            except (OSError, ConnectionClosed, InvalidHandshake, TimeoutError):
                await asyncio.sleep(_PAUSE)

    async def _followed(self, session_id: str) -> bool:
        after = self.seqs[-1] if self.seqs else 0
        url = f"{self._address}/ws/v1/sessions/{session_id}/watch?after={after}"
        async with connect(url, compression=None, proxy=None, open_timeout=2) as socket:
            self.sockets += 1
            async for text in socket:
                frame: Json = json.loads(text)
                if "seq" in frame:
                    self.seqs.append(frame["seq"])
                if frame["type"] == "run_finished":
                    return True
        return False


async def rows_of(ledger: Ledger, session_id: str) -> tuple[StoredEvent, ...]:
    """All rows of a session."""
    rows: list[StoredEvent] = []
    while True:
        loaded = await ledger.load(session_id, after=rows[-1].seq if rows else 0)
        assert loaded is not None, f"no session {session_id}"
        rows += loaded.events
        if not loaded.events or rows[-1].seq >= loaded.row.head:
            return tuple(rows)


async def moved(ledger: Ledger, session_id: str, *, beyond: int, seconds: float) -> None:
    """Wait until the ledger of a session has more rows; other processes write them."""
    for _ in range(round(seconds / _PAUSE)):
        heads = await ledger.heads([session_id])
        if heads[session_id][0] > beyond:
            return
        await asyncio.sleep(_PAUSE)
    raise AssertionError(f"session {session_id} stands still at {beyond}")


async def gathered(
    ledger: Ledger,
    session_id: str,
    project: Path,
    name: str,
    *,
    watchers: Sequence[Watcher] = (),
    passed: Sequence[Passed] = (),
    outside: "Outside | None" = None,
) -> History:
    """The history of the session of `name` (work-...), which has ended.

    Waits for its processes to be gone, 3 s at most.
    """
    rows = await rows_of(ledger, session_id)
    return History(
        rows=rows,
        effects=Counter(line for line in effects(project) if line.startswith(f"{name}.")),
        watched=tuple(tuple(watcher.seqs) for watcher in watchers),
        attached=tuple(each for each in map(Attached.of, passed) if each.is_executors),
        strays=await _strays(rows),
        changed_outside=() if outside is None else outside.changed(),
    )


class Outside:
    """The files of a folder beside the workspace, as they were."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "canary.txt").write_text("nobody writes here\n")
        self._before = self._digests()

    def changed(self) -> tuple[str, ...]:
        after = self._digests()
        names = self._before.keys() | after.keys()
        return tuple(sorted(name for name in names if self._before.get(name) != after.get(name)))

    def _digests(self) -> dict[str, str]:
        return {
            str(path.relative_to(self._folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in self._folder.rglob("*")
            if path.is_file()
        }


async def _strays(rows: Sequence[StoredEvent]) -> tuple[str, ...]:
    journals = {
        row.event.journal_id
        for row in rows
        if isinstance(row.event, ExecutorAttached) and row.event.journal_id
    }
    marks = tuple(f"{MARK}={journal_id}.".encode() for journal_id in journals)
    for _ in range(round(STRAY_SECONDS / _PAUSE)):
        if not marked(marks):
            return ()
        await asyncio.sleep(_PAUSE)
    return marked(marks)


def marked(marks: tuple[bytes, ...]) -> tuple[str, ...]:
    """The living processes whose environment has a variable that begins so; none without /proc."""
    if not marks or not os.path.isdir("/proc"):
        return ()
    return tuple(name for name in os.listdir("/proc") if name.isdigit() and _has(name, marks))


def _has(pid: str, marks: tuple[bytes, ...]) -> bool:
    try:
        environment = Path("/proc", pid, "environ").read_bytes().split(b"\0")
    except OSError:
        return False
    return any(variable.startswith(marks) for variable in environment)
