"""The bus over Redis Streams, for any number of processes. Holds no truth: losing it all is safe.

    key                        type    written by      trimmed at         lost when
    {prefix}:events:{session}  stream  publish         ~256 entries, an   expired, evicted, flushed:
                                                       hour from a write  the ledger is read
    {prefix}:work              stream  nudge_work      ~10,000 entries    flushed, its reader died:
                                                                          the ledger's `due`
    {prefix}:control:{process} stream  subscribe, for  ~16 entries, an    lost: a subscription is
                                       its own reader  hour from a write  taken up 5 s later

Each connection has one owner: the writer's, the reader's, one for each `work()`.
"""

import asyncio
import random
import uuid
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import msgspec

from maestro.bus.keys import key
from maestro.bus.redis_connection import RedisConnection, ResponseError, refusal
from maestro.bus.redis_reader import (
    BLOCK_SECONDS,
    FIELD,
    FIRST_PAUSE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    STREAM_LENGTH,
    RedisReader,
    entries_by_stream,
    last_entry,
    position_of,
)
from maestro.bus.redis_writer import Kind, RedisWriter, Write
from maestro.errors import BusUnavailable
from maestro.ports import HeadMoved, Live, Subscription

EXPIRY_SECONDS: Final = 3600
WORK_LENGTH: Final = 10_000
CONTROL_LENGTH: Final = 16
ROWS_BYTES: Final = 16 * 1024
"""A nudge whose rows take more is sent without them."""
CHECK_SECONDS: Final = 2.0
GROUP: Final = "workers"
CONSUMER: Final = "any"
"""One name for all: nothing is ever pending (NOACK), so there is nobody to tell apart."""


class RedisBus:
    """A `Bus`; connects when it is first used, and again for as long as it lives."""

    def __init__(self, url: str, *, prefix: str = "codegen") -> None:
        """Raises ValueError for an address that is none."""
        self._url = url
        self._prefix = prefix
        self._control = key(prefix, "control", uuid.uuid4().hex)
        self._work = key(prefix, "work")
        self._writer = RedisWriter(url)
        self._reader = RedisReader(url, self._control)

    @property
    def dropped(self) -> Counter[Kind]:
        """What could not be written since the start, by kind."""
        return self._writer.dropped

    async def publish(self, session_id: str, nudge: HeadMoved | Live) -> None:
        stream = key(self._prefix, "events", session_id)
        kind: Kind = "live" if isinstance(nudge, Live) else "nudge"
        try:
            body = _encoded(nudge)
        except UnicodeEncodeError:  # half a surrogate pair of a model's: the row has the whole
            self.dropped[kind] += 1
            return
        self._writer.put(self._write(stream, STREAM_LENGTH, body, kind))

    @asynccontextmanager
    async def subscribe(self, session_id: str) -> AsyncGenerator[Subscription]:
        stream = key(self._prefix, "events", session_id)
        try:
            position = position_of(await self._writer.ask(last_entry(stream)))
        except BusUnavailable:
            position = None
        mailbox = self._reader.add(stream, position)
        self._writer.put(self._write(self._control, CONTROL_LENGTH, b"look again"))
        try:
            yield mailbox
        finally:
            self._reader.remove(stream, mailbox)

    async def nudge_work(self, session_id: str) -> None:
        trim = ("MAXLEN", "~", WORK_LENGTH)
        self._writer.put(Write(("XADD", self._work, *trim, "*", FIELD, session_id)))

    async def work(self) -> AsyncIterator[str]:
        connection = RedisConnection(self._url)
        pause = FIRST_PAUSE_SECONDS
        try:
            while True:
                try:
                    session_id = await self._take_work(connection)
                    pause = FIRST_PAUSE_SECONDS
                except BusUnavailable:
                    await asyncio.sleep(pause * random.uniform(0.5, 1.0))
                    pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
                    continue
                if session_id is not None:
                    yield session_id
        finally:
            await connection.close()

    async def _take_work(self, connection: RedisConnection) -> str | None:
        """The next session to step; None after a while without one."""
        [reply] = await connection.call(
            [
                (
                    *("XREADGROUP", "GROUP", GROUP, CONSUMER, "COUNT", 1),
                    *("BLOCK", int(BLOCK_SECONDS * 1000), "NOACK", "STREAMS", self._work, ">"),
                )
            ],
            seconds=1.5 * BLOCK_SECONDS,
        )
        if isinstance(reply, ResponseError) and "NOGROUP" in str(reply):
            create = ("XGROUP", "CREATE", self._work, GROUP, "0", "MKSTREAM")
            [created] = await connection.call([create], seconds=CHECK_SECONDS)
            if isinstance(created, ResponseError) and "BUSYGROUP" not in str(created):
                raise refusal(created)
            return None
        for _, entries in entries_by_stream(reply):
            return entries[0][1].decode()
        return None

    async def check(self) -> None:
        connection = RedisConnection(self._url)
        try:
            [reply] = await connection.call([("PING",)], seconds=CHECK_SECONDS)
        finally:
            await connection.close()
        if isinstance(reply, ResponseError):
            raise refusal(reply)

    async def close(self) -> None:
        await self._reader.close()
        await self._writer.close()

    def _write(self, stream: str, length: int, body: bytes, kind: Kind = "nudge") -> Write:
        command = ("XADD", stream, "MAXLEN", "~", length, "*", FIELD, body)
        return Write(command, kind, (stream, EXPIRY_SECONDS))


def _encoded(nudge: HeadMoved | Live) -> bytes:
    body = msgspec.json.encode(nudge)
    if isinstance(nudge, HeadMoved) and nudge.rows and len(body) > ROWS_BYTES:
        return msgspec.json.encode(HeadMoved(nudge.head))
    return body
