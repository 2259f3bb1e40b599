"""Wait for work that must not be abandoned half-way, or that can be told to stop.

Knows nothing of the work.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def to_the_end(work: Awaitable[T]) -> T:
    """Wait for `work` to end even if this task is cancelled meanwhile, and only then be cancelled.

    `work` must be bounded in time.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait((task,))
        except asyncio.CancelledError as error:
            cancelled = error
    result = task.result()
    if cancelled is not None:
        raise cancelled
    return result


async def in_thread(work: Callable[[], T]) -> T:
    """Call `work` off the loop; it is never left running."""
    return await to_the_end(asyncio.to_thread(work))


async def in_stoppable_thread(work: Callable[[Callable[[], bool]], T]) -> T:
    """Call `work` off the loop; what it is given turns true when it should stop soon."""
    stop = threading.Event()
    task = asyncio.ensure_future(asyncio.to_thread(work, stop.is_set))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        stop.set()
        await to_the_end(asyncio.wait((task,)))
        raise
