"""Wait for what the world outside this process does, where it raises no event."""

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], object], seconds: float = 20) -> None:
    """Look again and again until `condition` holds. Raises TimeoutError."""
    for _ in range(round(seconds * 100)):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError(condition)
