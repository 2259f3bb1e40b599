"""The one place that tries again: what passes is waited for, what doesn't goes to the next model.

Decides by the kind of a ModelError alone. Knows no provider and no connection.
"""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass

from msgspec.structs import replace

from maestro.domain.conversation import ModelRequest, ReplyPart, Retrying
from maestro.errors import ModelError
from maestro.llm.streaming import parts_of
from maestro.ports import Model

PASSING = frozenset({"rate_limited", "overloaded", "unreachable", "broken_stream"})
"""Kinds that another try may mend."""
OF_THE_REQUEST = frozenset({"bad_request", "context_length"})
"""Kinds that another model would answer alike."""

LONGEST_PARK_SECONDS = 86_400.0
"""A provider that says to come back later than in a day is asked then."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often, and how long in between, in seconds."""

    tries: int = 5
    first_delay: float = 1.0
    """The upper bound of the first wait; it doubles each time."""
    longest_delay: float = 60.0
    """Of any wait, one that the provider asks for included."""
    total: float = 900.0
    """No try begins later than this after the first."""


@dataclass(frozen=True, slots=True)
class World:
    """What the retries take from outside: two clocks, chance, and sleep."""

    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    chance: Callable[[], float] = random.random
    """From 0 to 1."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class RetryingModel:
    """A Model that doesn't give up at the first failure.

    A try that fails yields Retrying, which voids all that came before; then the next one begins.
    When one model is at its end the first of `fallbacks` takes over, and so on; the error of the
    first model is raised when the last has failed too.
    """

    def __init__(
        self,
        model: Model,
        *,
        fallbacks: tuple[str, ...] = (),
        patience: Patience | None = None,
        world: World | None = None,
    ) -> None:
        self._model = model
        self._fallbacks = fallbacks
        self._patience = patience or Patience()
        self._world = world or World()

    async def generate(self, request: ModelRequest) -> AsyncGenerator[ReplyPart]:
        names = [request.model, *(name for name in self._fallbacks if name != request.model)]
        first: ModelError | None = None
        for place, name in enumerate(names):
            try:
                async with aclosing(self._patiently(replace(request, model=name))) as parts:
                    async for part in parts:
                        yield part
            except ModelError as error:
                first = first or error
                if error.kind in OF_THE_REQUEST or place + 1 == len(names):
                    raise first from error
                why = f"{error.message}; going on with {names[place + 1]}"
                yield Retrying(why, attempt=1, delay=0.0)
            else:
                return

    def refusal(self, name: str) -> str | None:
        return self._model.refusal(name)

    async def close(self) -> None:
        await self._model.close()

    async def _patiently(self, request: ModelRequest) -> AsyncGenerator[ReplyPart]:
        """One model, as often as it is worth; raises its last ModelError."""
        began = self._world.monotonic()
        for attempt in range(1, self._patience.tries + 1):
            try:
                async with parts_of(self._model, request) as parts:
                    async for part in parts:
                        yield part
            except ModelError as error:
                delay = self._delay(error, attempt)
                late = self._world.monotonic() - began + delay > self._patience.total
                if late or attempt == self._patience.tries:
                    raise
                yield Retrying(error.message, attempt + 1, delay)
                await self._world.sleep(delay)
            else:
                return

    def _delay(self, error: ModelError, attempt: int) -> float:
        """Seconds until the next try; raises the error when there is to be none."""
        if error.kind not in PASSING:
            raise error
        longest = self._patience.longest_delay
        asked = error.retry_after
        if asked is not None and asked > longest and error.kind == "rate_limited":
            raise ModelError(
                "rate_limited",
                error.message,
                status=error.status,
                retry_after=asked,
                wake_at=self._world.now() + min(asked, LONGEST_PARK_SECONDS),
            ) from error
        if asked is not None:
            return min(asked, longest)
        return self._world.chance() * min(longest, self._patience.first_delay * 2 ** (attempt - 1))
