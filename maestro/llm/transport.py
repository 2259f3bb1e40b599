"""Send a ready request through the proxy that the environment names, by `httpx2`.

Where there is no proxy `direct` does the same for a tenth of the processor time. Imported late.
Knows nothing of what the bytes mean, and makes no second attempt.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

import httpx2

from maestro.errors import ModelError, ModelErrorKind
from maestro.llm.acceptance import MAX_ERROR_BODY, REQUEST_HEADERS, accepted, refused, words_of
from maestro.llm.providers import Endpoint
from maestro.llm.timeouts import Timeouts

MAX_CONNECTIONS = 1000


class Transport:
    """The connections to one provider."""

    def __init__(self, endpoint: Endpoint, timeouts: Timeouts) -> None:
        self._provider = endpoint.provider
        self._timeouts = timeouts
        self._client = httpx2.AsyncClient(
            base_url=endpoint.base_url,
            # Some local servers insist on a key, and look at none.
            headers={**REQUEST_HEADERS, "Authorization": f"Bearer {endpoint.key or 'none'}"},
            timeout=httpx2.Timeout(
                None, connect=timeouts.connect, write=timeouts.first_byte, pool=timeouts.connect
            ),
            limits=httpx2.Limits(max_connections=MAX_CONNECTIONS, keepalive_expiry=120.0),
            # A redirect would carry the conversation to an address that nobody chose.
            follow_redirects=False,
            event_hooks={"response": [self._accept]},
        )

    @asynccontextmanager
    async def post(self, path: str, body: bytes) -> AsyncGenerator[AsyncIterator[bytes]]:
        """The chunks of the answer's body, as they come; raises ModelError, also while reading."""
        response = await self._send(path, body)
        try:
            async with aclosing(self._chunks(response)) as chunks:
                yield chunks
        finally:
            await response.aclose()

    async def close(self) -> None:
        await self._client.aclose()

    async def _send(self, path: str, body: bytes) -> httpx2.Response:
        try:
            async with asyncio.timeout(self._timeouts.first_byte):
                request = self._client.build_request("POST", path, content=body)
                return await self._client.send(request, stream=True)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise self._error("unreachable", self._unreachable(error)) from error
        except TimeoutError as error:
            waited = f"no answer within {self._timeouts.first_byte:g} s"
            raise self._error("unreachable", waited) from error

    async def _chunks(self, response: httpx2.Response) -> AsyncGenerator[bytes]:
        """With a limit on the silence between chunks and on the whole."""
        clock = asyncio.get_running_loop().time
        end = clock() + self._timeouts.total
        raw = response.aiter_raw()
        while True:
            try:
                async with asyncio.timeout_at(min(clock() + self._timeouts.idle, end)):
                    chunk = await anext(raw, None)
            except httpx2.HTTPError as error:
                words = f"the connection broke in the middle of the reply ({words_of(error)})"
                raise self._error("broken_stream", words) from error
            except TimeoutError as error:
                idle, total = self._timeouts.idle, self._timeouts.total
                over = f"not done after {total:g} s" if clock() >= end else f"silent for {idle:g} s"
                raise self._error("broken_stream", over) from error
            if chunk is None:
                return
            yield chunk

    async def _accept(self, response: httpx2.Response) -> None:
        """Let a stream pass; raise anything else, with a bounded piece of what it says."""
        headers = {name.lower(): value for name, value in response.headers.items()}
        if accepted(self._provider, response.status_code, headers) == "error":
            body = await _beginning(response)
            raise refused(self._provider, response.status_code, headers, body)

    def _unreachable(self, cause: BaseException | None) -> str:
        host = self._client.base_url.netloc.decode()
        return f"cannot reach {host} ({words_of(cause)})"

    def _error(self, kind: ModelErrorKind, words: str) -> ModelError:
        return ModelError(kind, f"{self._provider}: {words}")


async def _beginning(response: httpx2.Response) -> bytes:
    """As much of a body as is worth reading."""
    read = b""
    async for chunk in response.aiter_raw(MAX_ERROR_BODY):
        read += chunk
        if len(read) >= MAX_ERROR_BODY:
            break
    return read[:MAX_ERROR_BODY]
