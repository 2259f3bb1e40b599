"""Make one generation by the Chat Completions API of any provider.

Tries once and says what went wrong; whether to try again is decided in `retry`.
"""

import asyncio
import importlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec.structs import replace

from maestro.domain.conversation import ModelRequest, Reply, ReplyPart
from maestro.errors import ModelError
from maestro.llm.assembly import Assembly
from maestro.llm.providers import Endpoint
from maestro.llm.request import RequestEncoder
from maestro.llm.sse import EventStream, StreamTooLarge
from maestro.llm.timeouts import Timeouts

if TYPE_CHECKING:
    from maestro.llm.direct import DirectTransport
    from maestro.llm.transport import Transport

DRAIN_SECONDS = 0.2


def warm() -> None:
    """Import the client in a thread of its own, as soon as nobody waits for it."""
    importlib.import_module("maestro.llm.direct")


class ChatCompletions:
    """A provider's models, as a Model whose requests name `provider/model`."""

    def __init__(self, endpoint: Endpoint, timeouts: Timeouts) -> None:
        self._endpoint = endpoint
        self._timeouts = timeouts
        self._encoder = RequestEncoder(endpoint.quirks)
        self._transport: Transport | DirectTransport | None = None

    async def generate(self, request: ModelRequest) -> AsyncGenerator[ReplyPart]:
        """Deltas and one Reply; raises ModelError."""
        name = request.model.removeprefix(f"{self._endpoint.provider}/")
        body = self._encoder.encode(request, name)
        assembly = Assembly(self._endpoint.provider)
        stream = EventStream()
        transport = await self._connected()
        try:
            async with transport.post("/chat/completions", body) as chunks:
                async for chunk in chunks:
                    for part in assembly.add_all(stream.feed(chunk)):
                        yield part
                    if assembly.done:
                        await _drain(chunks)
                        break
            for part in assembly.add_all(stream.end()):
                yield part
        except (ModelError, StreamTooLarge) as error:
            broken = self._told(error)
            # Once the provider said why it stopped, how the connection ends changes nothing.
            if not assembly.finished or broken.kind != "broken_stream":
                raise broken from error
        yield self._priced(assembly.reply(), name)

    def refusal(self, name: str) -> str | None:
        provider = self._endpoint.provider
        if name.startswith(f"{provider}/"):
            return None
        return f"{name!r} is not one of {provider}'s models"

    async def close(self) -> None:
        if self._transport is not None:
            await self._transport.close()

    async def _connected(self) -> "Transport | DirectTransport":
        if self._transport is None:
            opened = await asyncio.to_thread(_open, self._endpoint, self._timeouts)
            if self._transport is None:
                self._transport = opened
            else:
                await opened.close()
        return self._transport

    def _priced(self, reply: Reply, name: str) -> Reply:
        price = self._endpoint.prices.get(name)
        if price is None or reply.usage.cost_usd is not None:
            return reply
        return replace(reply, usage=replace(reply.usage, cost_usd=price.of(reply.usage)))

    def _told(self, error: ModelError | StreamTooLarge) -> ModelError:
        """As a ModelError, without our key, should the provider have repeated it."""
        if isinstance(error, StreamTooLarge):
            return ModelError("broken_stream", f"{self._endpoint.provider}: {error}")
        key = self._endpoint.key
        if not key or key not in error.message:
            return error
        return ModelError(
            error.kind,
            error.message.replace(key, "***"),
            status=error.status,
            retry_after=error.retry_after,
        )


def _open(endpoint: Endpoint, timeouts: Timeouts) -> "Transport | DirectTransport":
    """Straight to the provider, or by the way that knows proxies where one is named."""
    direct = importlib.import_module("maestro.llm.direct")
    if direct.is_direct(endpoint.base_url):
        return direct.DirectTransport(endpoint, timeouts)
    return importlib.import_module("maestro.llm.transport").Transport(endpoint, timeouts)


async def _drain(chunks: AsyncIterator[bytes]) -> None:
    """Read what is left after the end, which is nothing: only so is the connection used again."""
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            async for _ in chunks:
                pass
