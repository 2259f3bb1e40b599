"""Send a ready request over HTTP and hand out its answer's raw bytes.

By `httpx2` and nothing above it: the body is made and the answer read elsewhere, so that a
provider's own client would add half a second of imports and no more. Imported late all the same.
Knows nothing of what the bytes mean, and makes no second attempt.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

import httpx2

from maestro.errors import ModelError, ModelErrorKind
from maestro.llm import failures
from maestro.llm.providers import Endpoint
from maestro.llm.timeouts import Timeouts
from protocol.version import RELEASE

MAX_ERROR_BODY = 64 * 1024
MAX_CONNECTIONS = 1000

_HEADERS = {
    "Accept": "text/event-stream",
    "Accept-Encoding": "identity",
    "Content-Type": "application/json",
    "User-Agent": f"codegen-maestro/{RELEASE}",
}

# What a stream never is: an answer that came whole is an error, or something between us and it.
_WHOLE_ANSWERS = frozenset({"application/json", "text/html"})


class Transport:
    """The connections to one provider."""

    def __init__(self, endpoint: Endpoint, timeouts: Timeouts) -> None:
        self._provider = endpoint.provider
        self._timeouts = timeouts
        self._client = httpx2.AsyncClient(
            base_url=endpoint.base_url,
            # Some local servers insist on a key, and look at none.
            headers={**_HEADERS, "Authorization": f"Bearer {endpoint.key or 'none'}"},
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
        if response.is_success and kind == "text/html":
            words = "answers with a web page, not with a model's stream: is the address right?"
            raise self._error("bad_request", words)
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
