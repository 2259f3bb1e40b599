"""Asyncio tasks that can die as a process does: at a chosen await, all at once, saying nothing.

What is frozen runs no `finally`; `bury` lets it come to its end, once that can do no harm.
"""

import asyncio
import contextlib
import contextvars
from collections.abc import AsyncGenerator, Coroutine, Generator
from typing import Any


class Life:
    """Of the tasks that are begun by `live`, and by them in turn."""

    def __init__(self, awaits: int) -> None:
        """Ends at the await of that number, counted from `arm` on."""
        self._left = awaits
        self._armed = False
        self._is_over = asyncio.Event()
        self._buried = asyncio.get_running_loop().create_future()
        self._root: asyncio.Task[None] | None = None

    def arm(self) -> None:
        self._armed = True

    @property
    def is_frozen(self) -> bool:
        return self._is_over.is_set() and not self._buried.done()

    def passed_an_await(self) -> None:
        if self._armed:
            self._left -= 1
            if self._left == 0:
                self._is_over.set()

    def frozen(self) -> Generator[Any, Any, None]:
        """Wait for the burial; cancelling does not hasten it."""
        while not self._buried.done():
            with contextlib.suppress(asyncio.CancelledError):
                yield from asyncio.shield(self._buried).__await__()

    async def live(self, work: Coroutine[Any, Any, None]) -> bool:
        """Do `work`; True when it died before its end."""
        context = contextvars.copy_context()
        context.run(_LIFE.set, self)
        self._root = asyncio.get_running_loop().create_task(work, context=context)
        death = asyncio.create_task(self._is_over.wait())
        await asyncio.wait({self._root, death}, return_when=asyncio.FIRST_COMPLETED)
        death.cancel()
        return self._is_over.is_set()

    @contextlib.asynccontextmanager
    async def buried_at_last(self) -> AsyncGenerator[None]:
        """However the block ends: what stays frozen can't be ended by its loop either."""
        try:
            yield
        finally:
            await self.bury()

    async def bury(self) -> None:
        """After this nothing of it runs."""
        if not self._buried.done():
            self._buried.set_result(None)
        if self._root is not None:
            self._root.cancel()
            await asyncio.gather(self._root, return_exceptions=True)


_LIFE: contextvars.ContextVar["Life | None"] = contextvars.ContextVar("life", default=None)


class _Driven:
    """Drives a coroutine, and stops where its life does."""

    def __init__(self, work: Coroutine[Any, Any, Any], life: Life) -> None:
        self._work = work
        self._life = life

    def __await__(self) -> Generator[Any, Any, Any]:
        outcome: Any = None
        error: BaseException | None = None
        while True:
            self._life.passed_an_await()
            if self._life.is_frozen:
                yield from self._life.frozen()
            try:
                waited = self._work.throw(error) if error else self._work.send(outcome)
            except StopIteration as finished:
                return finished.value
            outcome, error = None, None
            try:
                outcome = yield waited
            except BaseException as raised:  # it is the work's, to be handled or not
                error = raised


async def _mortal(work: Coroutine[Any, Any, Any], life: Life) -> Any:
    return await _Driven(work, life)


def _task(
    loop: asyncio.AbstractEventLoop,
    work: Coroutine[Any, Any, Any] | Generator[Any, None, Any],
    *,
    context: contextvars.Context | None = None,
) -> asyncio.Task[Any]:
    life = (context or contextvars.copy_context()).get(_LIFE)
    if life is not None:
        assert isinstance(work, Coroutine)
        work = _mortal(work, life)
    return asyncio.Task(work, loop=loop, context=context)


@contextlib.contextmanager
def mortality() -> Generator[None]:
    """In this block a `Life` can end."""
    loop = asyncio.get_running_loop()
    loop.set_task_factory(_task)
    try:
        yield
    finally:
        loop.set_task_factory(None)
