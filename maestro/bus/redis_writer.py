"""Write to Redis from one task that sends together whatever waits, and drops what cannot wait.

Callers of `put` never wait. Knows neither keys nor what the entries mean.
"""

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import Sequence
from typing import Literal

import msgspec
import structlog

from maestro.bus.redis_connection import Command, RedisConnection, Reply, ResponseError
from maestro.errors import BusUnavailable

CAPACITY = 5_000
"""Entries that wait; above, live text goes first."""
BATCH = 500
LIVE_SECONDS = 0.01
"""Between two batches that hold nothing but live text; whatever else comes goes at once."""
REMEMBERED = 10_000
"""Keys whose lifetime is known to be long enough."""
ANSWER_SECONDS = 2.0
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 2.0

Kind = Literal["live", "nudge"]

log = structlog.get_logger(__name__)


class Write(msgspec.Struct, frozen=True):
    command: Command
    kind: Kind = "nudge"
    expires: tuple[str, int] | None = None
    """A key, and the seconds that it lives from now on."""
    answer: asyncio.Future[Reply] | None = None


class RedisWriter:
    """The one connection of a process that writes."""

    def __init__(
        self, url: str, capacity: int = CAPACITY, live_seconds: float = LIVE_SECONDS
    ) -> None:
        self.dropped: Counter[Kind] = Counter()
        self._connection = RedisConnection(url)
        self._capacity = capacity
        self._live_seconds = live_seconds
        self._waiting: deque[Write] = deque()
        self._arrived = asyncio.Event()
        self._pressing = asyncio.Event()
        """Something waits that is no live text."""
        self._sent_at = -live_seconds
        self._task: asyncio.Task[None] | None = None
        self._pause = 0.0
        self._away_until = 0.0
        self._prolonged: dict[str, float] = {}
        """Until when a key needs no EXPIRE."""

    def put(self, write: Write) -> None:
        """Queue `write`, or drop and count it: Redis is away, or too much waits already."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="redis-writer")
        if asyncio.get_running_loop().time() < self._away_until:
            self._drop(write)
            return
        if len(self._waiting) >= self._capacity:
            self._make_room()
        if len(self._waiting) >= self._capacity:
            self._drop(write)
            return
        self._waiting.append(write)
        self._arrived.set()
        if write.kind != "live":
            self._pressing.set()

    async def ask(self, command: Command) -> Reply:
        """The reply to `command`, behind everything that was put before it.

        Raises BusUnavailable. A caller that is cancelled leaves nothing behind: its reply is read
        and thrown away.
        """
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self.put(Write(command, answer=answer))
        return await answer

    async def ask_all(self, commands: Sequence[Command]) -> list[Reply]:
        """The replies to `commands`, which go out one behind the other. Otherwise as `ask`."""
        loop = asyncio.get_running_loop()
        answers: list[asyncio.Future[Reply]] = [loop.create_future() for _ in commands]
        for command, answer in zip(commands, answers, strict=True):
            self.put(Write(command, answer=answer))
        return list(await asyncio.gather(*answers))

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        for write in self._waiting:
            self._drop(write)
        self._waiting.clear()
        await self._connection.close()

    def _make_room(self) -> None:
        kept = [write for write in self._waiting if write.kind != "live"]
        self.dropped["live"] += len(self._waiting) - len(kept)
        self._waiting = deque(kept)

    def _drop(self, write: Write) -> None:
        self.dropped[write.kind] += 1
        if write.answer is not None and not write.answer.done():
            write.answer.set_exception(BusUnavailable("Redis is away"))

    async def _run(self) -> None:
        while True:
            while self._waiting:
                await self._join()
                count = min(BATCH, len(self._waiting))
                if count == len(self._waiting):
                    self._pressing.clear()
                await self._send([self._waiting.popleft() for _ in range(count)])
            self._arrived.clear()
            await self._arrived.wait()

    async def _join(self) -> None:
        """Let live text wait for more of it: a system call a piece is most of what it costs."""
        loop = asyncio.get_running_loop()
        early = self._sent_at + self._live_seconds - loop.time()
        if early > 0 and not self._pressing.is_set() and len(self._waiting) < BATCH:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(early):
                    await self._pressing.wait()
        self._sent_at = loop.time()

    async def _send(self, batch: list[Write]) -> None:
        commands = [write.command for write in batch]
        commands += self._prolongations(batch)
        try:
            replies = await self._connection.call(commands, seconds=ANSWER_SECONDS)
        except BusUnavailable as error:
            self._went_away(str(error))
            for write in (*batch, *self._waiting):
                self._drop(write)
            self._waiting.clear()
            self._prolonged.clear()
            return
        self._pause = 0.0
        for write, reply in zip(batch, replies, strict=False):
            self._settle(write, reply)

    def _prolongations(self, batch: list[Write]) -> list[Command]:
        """EXPIRE for each key; for one with live text alone only now and then: a nudge follows."""
        now = asyncio.get_running_loop().time()
        due: dict[str, int] = {}
        for write in batch:
            if write.expires is None:
                continue
            key, seconds = write.expires
            if write.kind == "nudge" or now >= self._prolonged.get(key, 0.0):
                due[key] = seconds
        if len(self._prolonged) > REMEMBERED:
            self._prolonged = {key: at for key, at in self._prolonged.items() if at > now}
        self._prolonged.update((key, now + seconds / 60) for key, seconds in due.items())
        return [("EXPIRE", key, seconds) for key, seconds in due.items()]

    def _settle(self, write: Write, reply: Reply) -> None:
        if isinstance(reply, ResponseError):
            log.warning("redis_refused", error=str(reply), command=write.command[0])
            self._drop(write)
        elif write.answer is not None and not write.answer.done():
            write.answer.set_result(reply)

    def _went_away(self, why: str) -> None:
        if not self._pause:
            log.warning("bus_away", why=why)
        self._pause = min(max(2 * self._pause, FIRST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS)
        self._away_until = asyncio.get_running_loop().time() + self._pause
