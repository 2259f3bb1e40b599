"""Consume another Model's parts so that its stream ends when one's own does.

One function for all models that wrap a model. Adds nothing to what passes.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import cast

from maestro.domain.conversation import ModelRequest, ReplyPart
from maestro.ports import Model


@asynccontextmanager
async def parts_of(model: Model, request: ModelRequest) -> AsyncGenerator[AsyncIterator[ReplyPart]]:
    """Left early, a generator would hold its connection until it is collected."""
    parts = model.generate(request)
    if isinstance(parts, AsyncGenerator):
        async with aclosing(cast("AsyncGenerator[ReplyPart]", parts)) as closing:
            yield closing
    else:
        yield parts
