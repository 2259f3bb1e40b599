"""Ask the ledger again until it answers.

Safe because every method of the ledger may be called again. Knows no socket.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from maestro.errors import LedgerUnavailable

FIRST_SECONDS = 0.1
LONGEST_SECONDS = 2.0

T = TypeVar("T")

log = structlog.get_logger(__name__)


async def until_available(
    ask: Callable[[], Awaitable[T]], *, stopped: Callable[[], bool] = lambda: False
) -> T:
    """The answer of `ask`, asked again with back-off while it raises LedgerUnavailable.

    Raises LedgerUnavailable once `stopped()`.
    """
    delay = FIRST_SECONDS
    while True:
        try:
            return await ask()
        except LedgerUnavailable as error:
            if stopped():
                raise
            log.warning("ledger_away", error=str(error), again_in=round(delay, 2))
        await asyncio.sleep(delay * random.uniform(0.5, 1.0))
        delay = min(2 * delay, LONGEST_SECONDS)
