"""No sandbox: what runs may do whatever its user may.

Whether that is right is decided before, by policy.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

from executor.sandbox.launch import Launch


class Unconfined:
    """See `launch.Confinement`."""

    @asynccontextmanager
    async def around(
        self, argv: tuple[str, ...], environment: Mapping[str, str], folder: int
    ) -> AsyncGenerator[Launch]:
        del folder
        yield Launch(argv, environment)

    async def broken(self, launch: Launch, code: int, output: bytes) -> str:
        del launch, code, output
        return ""

    def hint(self, output: bytes, mark: str) -> str:
        del output, mark
        return ""

    async def close(self) -> None:
        pass
