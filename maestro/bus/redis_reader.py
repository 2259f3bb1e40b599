"""Read all streams that a process follows with one blocking XREAD, and hand out what comes.

A stream whose place was lost is taken up again at its end, and its subscribers are told that they
overflowed. Knows nothing of how keys are made.
"""

import asyncio
import contextlib
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, cast

import msgspec
import structlog

from maestro.bus.mailbox import Mailbox
from maestro.bus.redis_connection import Command, RedisConnection, Reply, ResponseError
from maestro.errors import BusUnavailable
from maestro.ports import HeadMoved, Live

STREAM_LENGTH = 256
"""Entries that a stream keeps at least; one that brought as many at once may have lost some."""
FIELD: Final = "n"
"""The one field of an entry: a nudge as JSON."""
BLOCK_SECONDS: Final = 5.0
"""How long Redis holds an answer back; half as much again and the connection counts as dead."""
JOINED_STREAMS = 50
"""Who follows more lets what is written wait for a moment, so that one answer brings much of it."""
JOINED_SECONDS = 0.01
SLICE = 64
"""Streams of one answer that are handed out before others of this process have their turn."""
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 2.0

_DECODER: Final = msgspec.json.Decoder(HeadMoved | Live)

log = structlog.get_logger(__name__)

Entry = tuple[str, bytes]
"""An id, and the value of the first field."""


@dataclass(eq=False)
class Stream:
    position: str | None
    """The last id that was seen; None: not known, its end is to be looked up."""
    mailboxes: set[Mailbox] = field(default_factory=set[Mailbox])

    def overflow(self) -> None:
        for mailbox in self.mailboxes:
            mailbox.overflow()

    def take(self, entries: list[Entry]) -> None:
        self.position = entries[-1][0]
        if len(entries) >= STREAM_LENGTH:
            self.overflow()
            return
        for _, body in entries:
            try:
                nudge = _DECODER.decode(body)
            except msgspec.DecodeError:  # a newer process wrote it: the ledger has the row
                self.overflow()
                continue
            for mailbox in self.mailboxes:
                mailbox.put(nudge)


class RedisReader:
    """The one connection of a process that reads nudges."""

    def __init__(self, url: str, control: str) -> None:
        """`control`: a stream of this process, written to make a blocked read look again."""
        self._connection = RedisConnection(url)
        self._streams: dict[str, Stream] = {}
        self._control = control
        self._control_position = "0-0"
        self._task: asyncio.Task[None] | None = None

    def add(self, key: str, position: str | None) -> Mailbox:
        """A mailbox for what is written to `key` after `position` (None: after a while)."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="redis-reader")
        stream = self._streams.setdefault(key, Stream(position))
        mailbox = Mailbox()
        stream.mailboxes.add(mailbox)
        if stream.position is None:
            mailbox.overflow()
        return mailbox

    def remove(self, key: str, mailbox: Mailbox) -> None:
        stream = self._streams[key]
        stream.mailboxes.discard(mailbox)
        if not stream.mailboxes:
            del self._streams[key]

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._connection.close()

    async def _run(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                await self._find_ends()
                await self._read()
                pause = FIRST_PAUSE_SECONDS
            except BusUnavailable as error:
                if pause == FIRST_PAUSE_SECONDS:
                    log.warning("bus_away", why=str(error))
                for stream in self._streams.values():
                    stream.position = None
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _find_ends(self) -> None:
        """Take up at its end each stream whose place is not known; tell its subscribers."""
        lost = {key: stream for key, stream in self._streams.items() if stream.position is None}
        if not lost:
            return
        replies = await self._connection.call(
            [last_entry(key) for key in lost], seconds=BLOCK_SECONDS
        )
        for stream, reply in zip(lost.values(), replies, strict=True):
            stream.position = position_of(reply)
            stream.overflow()

    async def _read(self) -> None:
        positions = {self._control: self._control_position}
        for key, stream in self._streams.items():
            if stream.position is not None:
                positions[key] = stream.position
        command: Command = (
            *("XREAD", "BLOCK", int(BLOCK_SECONDS * 1000), "STREAMS"),
            *positions.keys(),
            *positions.values(),
        )
        [reply] = await self._connection.call([command], seconds=1.5 * BLOCK_SECONDS)
        for number, (key, entries) in enumerate(entries_by_stream(reply), start=1):
            if key == self._control:
                self._control_position = entries[-1][0]
            elif key in self._streams:
                self._streams[key].take(entries)
            if number % SLICE == 0:
                await asyncio.sleep(0)
        if len(self._streams) > JOINED_STREAMS:
            await asyncio.sleep(JOINED_SECONDS)


def last_entry(key: str) -> Command:
    return ("XREVRANGE", key, "+", "-", "COUNT", 1)


def position_of(reply: Reply) -> str:
    """The id in the answer to `last_entry`; before the first one for an empty stream."""
    entries = _entries(_accepted(reply))
    return entries[0][0] if entries else "0-0"


def entries_by_stream(reply: Reply) -> Iterator[tuple[str, list[Entry]]]:
    """What XREAD or XREADGROUP answered: `{key: [[id, [field, value]], ...]}`, or None.

    Raises BusUnavailable for a refusal.
    """
    streams = cast("dict[bytes, Reply] | None", _accepted(reply))
    for key, entries in (streams or {}).items():
        yield key.decode(), _entries(entries)


def _entries(reply: Reply) -> list[Entry]:
    return [(entry_id.decode(), fields[1]) for entry_id, fields in reply]


def _accepted(reply: Reply) -> Reply:
    if isinstance(reply, ResponseError):
        raise BusUnavailable(f"Redis refused: {reply}")
    return reply
