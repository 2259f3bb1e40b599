"""The sockets and event streams of this process, counted for each person over all maestros.

Knows no socket: a seat is taken before one is accepted, and left when it ends.
"""

import contextlib
import uuid
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from maestro.ports import Limited, Limits


@dataclass(frozen=True)
class Seat:
    owner: str
    holder: str


class Seats:
    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._used: dict[str, str] = {}
        """Owner by holder."""

    @property
    def count(self) -> int:
        """Of this process, whoever has said something or not."""
        return len(self._used)

    async def take(self, owner: str) -> Seat | Limited:
        """A seat that is free again after a while, unless it is `used`."""
        seat = Seat(owner, uuid.uuid4().hex)
        return await self._limits.hold(owner, seat.holder) or seat

    @contextlib.asynccontextmanager
    async def used(self, seat: Seat) -> AsyncGenerator[None]:
        """Keep the seat until the end of the block."""
        self._used[seat.holder] = seat.owner
        try:
            yield
        finally:
            del self._used[seat.holder]
            await self._limits.let_go(seat.owner, seat.holder)

    async def keep(self) -> None:
        """Say that they are still used: to be called more often than seats expire."""
        if self._used:
            await self._limits.keep(dict(self._used))
