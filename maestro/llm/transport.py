"""Send a ready request through the `openai` client and hand out its answer's raw bytes.

Importing it takes a third of a second, so that its one user imports it late. Knows nothing of what
the bytes mean, and makes no second attempt.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import cast

import httpx2
import openai

from maestro.errors import ModelError, ModelErrorKind
from maestro.llm import failures
from maestro.llm.providers import Endpoint
from maestro.llm.timeouts import Timeouts

MAX_ERROR_BODY = 64 * 1024
MAX_CONNECTIONS = 1000

_HEADERS: dict[str, str | openai.Omit] = {
    "Accept": "text/event-stream",
    "Accept-Encoding": "identity",
    # The client reads these from the environment and would send them to whatever provider it is.
    "OpenAI-Organization": openai.Omit(),
    "OpenAI-Project": openai.Omit(),
}

# What a stream never is: an answer that came whole is an error, or something between us and it.
_WHOLE_ANSWERS = frozenset({"application/json", "text/html"})


class Transport:
    """The connections to one provider."""

    def __init__(self, endpoint: Endpoint, timeouts: Timeouts) -> None:
        self._provider = endpoint.provider
        self._timeouts = timeouts
        self._client = openai.AsyncOpenAI(
            # The client insists on a key; a local server does not look at it.
            api_key=endpoint.key or "none",
            base_url=endpoint.base_url,
            max_retries=0,
            http_client=httpx2.AsyncClient(
                timeout=httpx2.Timeout(
                    None, connect=timeouts.connect, write=timeouts.first_byte, pool=timeouts.connect
                ),
                limits=httpx2.Limits(max_connections=MAX_CONNECTIONS, keepalive_expiry=120.0),
                # A redirect would carry the conversation to an address that nobody chose.
                follow_redirects=False,
                event_hooks={"response": [self._accept]},
            ),
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
        await self._client.close()

    async def _send(self, path: str, body: bytes) -> httpx2.Response:
        try:
            async with asyncio.timeout(self._timeouts.first_byte):
                sent = await self._client.post(
                    path,
                    content=body,
                    cast_to=httpx2.Response,
                    stream=True,
                    stream_cls=openai.AsyncStream[object],
                    options={"headers": _HEADERS},
                )
        except openai.APIConnectionError as error:
            # The client wraps whatever went wrong below it, what _accept raises included.
            if isinstance(error.__cause__, ModelError):
                raise error.__cause__ from None
            raise self._error("unreachable", self._unreachable(error.__cause__)) from error
        except TimeoutError as error:
            waited = f"no answer within {self._timeouts.first_byte:g} s"
            raise self._error("unreachable", waited) from error
        # Asked for the response itself, the client gives that instead of a stream of its own.
        return cast("httpx2.Response", sent)

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
                words = f"the connection broke in the middle of the reply ({_words(error)})"
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
        encoding = response.headers.get("content-encoding", "identity").lower()
        if encoding != "identity":
            words = (
                f"an answer in {encoding!r}, which was not asked for (HTTP {response.status_code})"
            )
            raise self._error("overloaded" if response.is_server_error else "bad_request", words)
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if response.is_success and kind not in _WHOLE_ANSWERS:
            return
        body = await _beginning(response)
        if response.is_redirect:
            words = f"redirects to {response.headers.get('location', 'nowhere')[:200]!r}"
            raise self._error("bad_request", words)
        headers = {name.lower(): value for name, value in response.headers.items()}
        raise failures.from_response(
            self._provider, response.status_code, body, headers, time.time()
        )

    def _unreachable(self, cause: BaseException | None) -> str:
        host = self._client.base_url.netloc.decode()
        return f"cannot reach {host} ({_words(cause)})"

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


def _words(cause: BaseException | None) -> str:
    """The first words in a chain of causes: the outermost often has none."""
    while cause is not None:
        if said := str(cause).strip():
            return said[:300]
        cause = cause.__cause__ or cause.__context__
    return "no further words"
