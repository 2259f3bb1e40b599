"""Dial without holding up a loop, and without holding up its end.

A name service may take half a minute over one name: a thread that waits for it is left behind when
nobody waits for its answer any more, and ends by itself.
"""

import asyncio
import socket
import threading

from executor.network.reach import Reach

DIALS_MAX = 32
"""Threads of this process that dial at once."""
_SLOTS = threading.BoundedSemaphore(DIALS_MAX)


async def dialled(reach: Reach, host: str, port: int) -> socket.socket:
    """As `reach.dial`. Raises NotReachable, and OSError."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[socket.socket] = loop.create_future()

    def settle(found: socket.socket | Exception) -> None:
        if isinstance(found, socket.socket):
            if answer.done():
                found.close()
            else:
                answer.set_result(found)
        elif not answer.done():
            answer.set_exception(found)

    def dial() -> None:
        found: socket.socket | Exception
        try:
            found = reach.dial(host, port)
        except (OSError, ValueError) as error:
            found = error
        finally:
            _SLOTS.release()
        try:
            loop.call_soon_threadsafe(settle, found)
        except RuntimeError:  # the loop has ended
            if isinstance(found, socket.socket):
                found.close()

    if not _SLOTS.acquire(blocking=False):
        raise OSError(f"more than {DIALS_MAX} hosts are being looked for")
    try:
        threading.Thread(target=dial, name=f"dial {host}", daemon=True).start()
    except RuntimeError as error:  # this user has no process left
        _SLOTS.release()
        raise OSError(f"{error}") from error
    try:
        return await answer
    except asyncio.CancelledError:
        if not answer.cancelled() and answer.exception() is None:  # it came in the same moment
            answer.result().close()
        raise
