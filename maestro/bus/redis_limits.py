"""The Limits port over Redis, for any number of processes. While Redis is away each counts alone.

    key                                  type    written by  trimmed at        lost when
    {prefix}:rate:{kind}:{window}:{who}  string  spend       two windows       flushed: counting
                                                                               begins anew
    {prefix}:sockets:{who}               zset    hold, keep  45 s from a keep  flushed: kept again
                                                                               within 15 s

Windows and places are told by Redis's own clock: one of a machine that is minutes off, or is set,
would count in a window of its own, or take places away.
"""

import math
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import cast

from maestro.bus.keys import key
from maestro.bus.memory_limits import FULL_SECONDS, HELD_SECONDS, MemoryLimits, limited
from maestro.bus.redis_connection import Command, Reply
from maestro.bus.redis_writer import RedisWriter
from maestro.errors import BusUnavailable
from maestro.ports import Counted, Limited, Quotas

LEARNED_SECONDS = 60.0
"""Between two looks at Redis's clock."""


class RedisLimits:
    """Implements `maestro.ports.Limits`; its one connection is its own."""

    def __init__(
        self,
        url: str,
        quotas: Quotas,
        *,
        prefix: str = "codegen",
        clock: Callable[[], float] | None = None,
    ) -> None:
        """`clock`: Unix seconds; None: Redis's. Raises ValueError for an address that is none."""
        self._quotas = quotas
        self._prefix = prefix
        self._clock = clock
        self._alone = MemoryLimits(quotas, clock=clock or time.monotonic)
        self._writer = RedisWriter(url)
        self._ahead = 0.0
        """Redis's clock before this process's monotonic one."""
        self._learned_at = -math.inf

    async def spend(self, counted: Counted, who: str, amount: int = 1) -> Limited | None:
        bound, seconds = self._quotas.window(counted)
        if bound is None:
            return None
        now = await self._now()
        counter = self._counter(counted, who, now)
        replies = await self._ask(
            ("INCRBY", counter, amount), ("EXPIRE", counter, int(2 * seconds))
        )
        if replies is None:
            return await self._alone.spend(counted, who, amount)
        return limited(counted, bound, seconds, now) if int(replies[0]) > bound else None

    async def look(self, counted: Counted, who: str) -> Limited | None:
        bound, seconds = self._quotas.window(counted)
        if bound is None:
            return None
        now = await self._now()
        replies = await self._ask(("GET", self._counter(counted, who, now)))
        if replies is None:
            return await self._alone.look(counted, who)
        total = cast("bytes | None", replies[0])
        return limited(counted, bound, seconds, now) if int(total or 0) >= bound else None

    async def hold(self, who: str, holder: str) -> Limited | None:
        bound = self._quotas.sockets
        if bound is None:
            return None
        held, now = key(self._prefix, "sockets", who), await self._now()
        # In one piece: of two that come for the last place one gets it.
        replies = await self._ask(
            ("MULTI",),
            ("ZREMRANGEBYSCORE", held, "-inf", f"{now:.3f}"),
            ("ZADD", held, f"{now + HELD_SECONDS:.3f}", holder),
            ("EXPIRE", held, int(HELD_SECONDS)),
            ("ZCARD", held),
            ("EXEC",),
        )
        if replies is None:
            return await self._alone.hold(who, holder)
        if int(replies[-1][-1]) <= bound:
            await self._alone.keep({holder: who})
            return None
        await self._ask(("ZREM", held, holder))
        return Limited("sockets", bound, FULL_SECONDS)

    async def keep(self, held: Mapping[str, str]) -> None:
        if self._quotas.sockets is None:
            return
        until = f"{await self._now() + HELD_SECONDS:.3f}"
        members: defaultdict[str, list[str]] = defaultdict(list)
        for holder, who in held.items():
            members[key(self._prefix, "sockets", who)] += [until, holder]
        commands: list[Command] = []
        for name, scored in members.items():
            commands += [("ZADD", name, *scored), ("EXPIRE", name, int(HELD_SECONDS))]
        await self._ask(*commands)
        await self._alone.keep(held)

    async def let_go(self, who: str, holder: str) -> None:
        if self._quotas.sockets is None:
            return
        await self._alone.let_go(who, holder)
        await self._ask(("ZREM", key(self._prefix, "sockets", who), holder))

    async def close(self) -> None:
        await self._writer.close()

    async def _now(self) -> float:
        """Redis's clock, asked once in a while; while it is away, as it was."""
        if self._clock is not None:
            return self._clock()
        now = time.monotonic()
        if now - self._learned_at >= LEARNED_SECONDS:
            told = await self._ask(("TIME",))
            if told is not None:
                seconds, microseconds = told[0]
                self._learned_at = now = time.monotonic()
                self._ahead = int(seconds) + int(microseconds) / 1e6 - now
        return now + self._ahead

    def _counter(self, counted: Counted, who: str, now: float) -> str:
        window = int(now // self._quotas.window(counted)[1])
        return key(self._prefix, "rate", counted, str(window), who)

    async def _ask(self, *commands: Command) -> list[Reply] | None:
        """None: Redis is away."""
        try:
            return await self._writer.ask_all(commands)
        except BusUnavailable:
            return None
