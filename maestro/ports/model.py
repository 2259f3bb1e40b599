"""The Model port: one streamed generation of any provider.

Interface only.
"""

from collections.abc import AsyncGenerator
from typing import Protocol

from maestro.domain.conversation import ModelRequest, ReplyPart


class Model(Protocol):
    """One streamed generation of any provider."""

    def generate(self, request: ModelRequest) -> AsyncGenerator[ReplyPart]:
        """Deltas, possibly Retrying, and at last one Reply; raises ModelError."""
        ...

    def refusal(self, name: str, /) -> str | None:
        """Why a wish for this `provider/name` is refused, or None when it can be had."""
        ...

    async def close(self) -> None: ...
