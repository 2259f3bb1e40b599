"""What this process needs to serve, looked at once for all who ask meanwhile.

The door is open to everybody: however many ask at once, one look is made at a time.
"""

import asyncio
from collections.abc import Mapping

from maestro.edge.edge import Edge
from maestro.errors import MaestroError

CHECK_SECONDS = 5.0


class Readiness:
    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._look: asyncio.Task[Mapping[str, str]] | None = None

    async def missing(self) -> Mapping[str, str]:
        """What is missing, by name, in words."""
        if self._look is None or self._look.done():
            self._look = asyncio.create_task(self._missing(), name="ready")
        return await asyncio.shield(self._look)

    async def _missing(self) -> Mapping[str, str]:
        dependencies = self._edge.dependencies
        checks = {
            "ledger": dependencies.ledger.check,
            "bus": dependencies.bus.check,
            **dependencies.readiness,
        }
        missing: dict[str, str] = {}
        for name, check in checks.items():
            try:
                async with asyncio.timeout(CHECK_SECONDS):
                    await check()
            except TimeoutError:
                missing[name] = f"no answer in {CHECK_SECONDS:g} s"
            except MaestroError as error:
                missing[name] = str(error)
        return missing
