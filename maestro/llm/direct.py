"""Send a ready request straight to its provider over HTTP/1.1 and hand out the answer's raw bytes.

What has arrived is handed out in one piece, however many chunks of HTTP it came in: a provider
sends one for each word. Knows no proxy, which `transport` does, and nothing of what the bytes mean.
"""

import asyncio
import os
import ssl
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from urllib.parse import urlsplit

from maestro.errors import ModelError, ModelErrorKind
from maestro.llm.acceptance import MAX_ERROR_BODY, REQUEST_HEADERS, accepted, refused, words_of
from maestro.llm.connection import Connection
from maestro.llm.pacing import Pacing
from maestro.llm.providers import Endpoint
from maestro.llm.timeouts import Timeouts

KEPT_SECONDS = 120.0
"""How long a connection without a request is used again."""
MAX_KEPT = 1000


_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


def is_direct(base_url: str) -> bool:
    """Whether this address is spoken to without help: no proxy is named, certificates are found."""
    if sys.platform != "linux" or any(
        os.environ.get(name) or os.environ.get(name.upper()) for name in _PROXIES
    ):
        return False
    known = ssl.get_default_verify_paths()
    return not base_url.startswith("https:") or bool(known.cafile or known.capath)


class DirectTransport:
    """The connections to one provider."""

    def __init__(self, endpoint: Endpoint, timeouts: Timeouts) -> None:
        parts = urlsplit(endpoint.base_url)
        self._provider = endpoint.provider
        self._timeouts = timeouts
        self._netloc = parts.netloc.rpartition("@")[2]
        self._host = parts.hostname or ""
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._port = parts.port or (443 if self._tls else 80)
        self._path = parts.path.rstrip("/")
        # Some local servers insist on a key, and look at none.
        headers = {**REQUEST_HEADERS, "Authorization": f"Bearer {endpoint.key or 'none'}"}
        self._headers = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._kept: list[Connection] = []
        self._pacing = Pacing()

    @asynccontextmanager
    async def post(self, path: str, body: bytes) -> AsyncGenerator[AsyncIterator[bytes]]:
        """The pieces of the answer's body, as they come; raises ModelError, also while reading."""
        connection = await self._asked(path, body)
        self._pacing.streams += 1
        try:
            await self._accept(connection)
            if connection.answer.is_open_ended():
                connection.pace(self._pacing)
            async with aclosing(self._pieces(connection)) as pieces:
                yield pieces
        finally:
            self._pacing.streams -= 1
            self._keep(connection)

    async def close(self) -> None:
        while self._kept:
            self._kept.pop().close()

    async def _asked(self, path: str, body: bytes) -> Connection:
        """A connection on which the answer to this request has begun."""
        head = (
            f"POST {self._path}{path} HTTP/1.1\r\nHost: {self._netloc}\r\n{self._headers}"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        try:
            async with asyncio.timeout(self._timeouts.first_byte):
                return await self._begun(head.encode("latin-1") + body)
        except (OSError, UnicodeError) as error:
            if isinstance(error, TimeoutError) and not str(error):
                words = f"no answer within {self._timeouts.first_byte:g} s"
            else:
                words = f"cannot reach {self._netloc} ({words_of(error)})"
            raise self._error("unreachable", words) from error

    async def _begun(self, request: bytes) -> Connection:
        kept = self._fresh()
        if kept is not None:
            try:
                return await self._answered(kept, request)
            except OSError:
                if not kept.is_silent:
                    raise
                # Else its other end closed it while nobody looked: ask again on one that is fresh.
        try:
            async with asyncio.timeout(self._timeouts.connect):
                _, made = await asyncio.get_running_loop().create_connection(
                    Connection, self._host, self._port, ssl=self._tls
                )
        except TimeoutError as error:
            raise ConnectionError(f"not connected in {self._timeouts.connect:g} s") from error
        return await self._answered(made, request)

    async def _answered(self, connection: Connection, request: bytes) -> Connection:
        try:
            connection.ask(request)
            await connection.head()
        except BaseException:
            connection.close()
            raise
        return connection

    def _fresh(self) -> Connection | None:
        """The connection that was used last; older ones are closed."""
        now = asyncio.get_running_loop().time()
        while self._kept:
            connection = self._kept.pop()
            if connection.may_be_kept() and now - connection.kept_since < KEPT_SECONDS:
                return connection
            connection.close()
        return None

    def _keep(self, connection: Connection) -> None:
        if connection.may_be_kept() and len(self._kept) < MAX_KEPT:
            connection.kept_since = asyncio.get_running_loop().time()
            self._kept.append(connection)
        else:
            connection.close()

    async def _accept(self, connection: Connection) -> None:
        """Let a stream pass; raise anything else, with a bounded piece of what it says."""
        answer = connection.answer
        if accepted(self._provider, answer.status, answer.headers) == "error":
            body = b""
            async with aclosing(self._pieces(connection)) as pieces:
                async for piece in pieces:
                    body += piece
                    if len(body) >= MAX_ERROR_BODY:
                        break
            raise refused(self._provider, answer.status, answer.headers, body[:MAX_ERROR_BODY])

    async def _pieces(self, connection: Connection) -> AsyncGenerator[bytes]:
        """With a limit on the silence between pieces and on the whole."""
        limit = _Limit(connection, self._timeouts)
        try:
            while piece := await connection.read():
                yield piece
        except _TooSlow as error:
            raise self._error("broken_stream", str(error)) from error
        except OSError as error:
            words = f"the connection broke in the middle of the reply ({words_of(error)})"
            raise self._error("broken_stream", words) from error
        finally:
            limit.lift()

    def _error(self, kind: ModelErrorKind, words: str) -> ModelError:
        return ModelError(kind, f"{self._provider}: {words}")


class _TooSlow(TimeoutError):
    """An answer stopped, or does not end; said in words."""


class _Limit:
    """One timer for a whole answer: looks when the provider could have been silent for too long."""

    def __init__(self, connection: Connection, timeouts: Timeouts) -> None:
        self._connection = connection
        self._timeouts = timeouts
        self._loop = asyncio.get_running_loop()
        connection.heard_at = self._loop.time()
        self._end = connection.heard_at + timeouts.total
        self._timer = self._loop.call_at(self._next(connection.heard_at), self._look)

    def lift(self) -> None:
        self._timer.cancel()

    def _next(self, heard: float) -> float:
        return min(heard + self._timeouts.idle, self._end)

    def _look(self) -> None:
        now, heard, idle = self._loop.time(), self._connection.heard_at, self._timeouts.idle
        if not self._connection.is_waited_for():
            heard = now
        if now >= self._end:
            self._connection.end(_TooSlow(f"not done after {self._timeouts.total:g} s"))
        elif now >= heard + idle:
            self._connection.end(_TooSlow(f"silent for {idle:g} s"))
        else:
            self._timer = self._loop.call_at(self._next(heard), self._look)
