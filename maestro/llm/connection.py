"""One connection of HTTP/1.1 to a provider: a request, its answer as it comes, then the next one.

What has arrived is handed out in one piece, however many chunks it came in. Keeps no time.
"""

import asyncio
from typing import cast

import httptools

MAX_HEAD = 64 * 1024
"""Bytes of one answer that are no body."""
MAX_UNREAD = 256 * 1024
"""Bytes of a body that wait to be read; above, the provider has to wait."""


class Answer:
    """One answer, as the parser tells of it."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        """Names in lower case."""
        self.has_head = False
        self.is_whole = False
        self.waiting = bytearray()
        """Of the body: what nobody has read."""
        self.is_clean = True
        """What follows on the connection belongs to the next answer."""
        self._parser = httptools.HttpResponseParser(self)
        self._beside = 0

    def feed(self, data: bytes) -> None:
        """Raises ConnectionError for what is not HTTP, or has too much that is no body."""
        if self.is_whole:
            self.is_clean = False  # nobody asked for this
            return
        unread = len(self.waiting)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            raise ConnectionError(f"this is not HTTP: {error}") from error
        if len(self.waiting) == unread:
            self._beside += len(data)
        if self._beside > MAX_HEAD:
            raise ConnectionError(f"more than {MAX_HEAD} bytes that are no body")

    def ends_with_connection(self) -> bool:
        """Nothing in it says where it ends."""
        chunked = "chunked" in self.headers.get("transfer-encoding", "")
        return self.has_head and not chunked and "content-length" not in self.headers

    def on_message_begin(self) -> None:
        if self.is_whole:
            self.is_clean = False  # a second answer to one request

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.is_whole:
            self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        if self.is_whole:
            return
        self.status = self._parser.get_status_code()
        if self.status >= 200:
            self.has_head = True
        else:  # an interim answer; the real one follows
            self.headers.clear()

    def on_body(self, body: bytes) -> None:
        if not self.is_whole:
            self.waiting += body

    def on_message_complete(self) -> None:
        if self.has_head and not self.is_whole:
            self.is_whole = True
            self.is_clean = self._parser.should_keep_alive()


class Connection(asyncio.Protocol):
    """One connection: a request, the whole of its answer, then perhaps another request."""

    def __init__(self) -> None:
        self.answer = Answer()
        self.ended: OSError | None = None
        """Why nothing more comes."""
        self.is_silent = True
        """Nothing came since it was asked."""
        self.kept_since = 0.0
        self._moved = asyncio.Event()
        self._is_paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.is_silent = False
        try:
            self.answer.feed(data)
        except ConnectionError as error:
            self._end(error)
            return
        if len(self.answer.waiting) > MAX_UNREAD and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()
        self._moved.set()

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is None and self.answer.ends_with_connection():
            self.answer.is_whole = True
        self._end(exc if isinstance(exc, OSError) else ConnectionResetError("it was closed"))

    def ask(self, request: bytes) -> None:
        self.answer, self.is_silent = Answer(), True
        self._transport.write(request)

    async def head(self) -> Answer:
        """Once it is there; raises what ended the connection before."""
        while not self.answer.has_head:
            await self._wait()
        return self.answer

    async def read(self) -> bytes:
        """What has arrived of the body, at least a byte; b"" at its end."""
        answer = self.answer
        while not answer.waiting and not answer.is_whole:
            await self._wait()
        body = bytes(answer.waiting)
        answer.waiting.clear()
        if self._is_paused:
            self._is_paused = False
            self._transport.resume_reading()
        return body

    def may_be_kept(self) -> bool:
        return self.answer.is_whole and self.answer.is_clean and self.ended is None

    def close(self) -> None:
        self._transport.abort()

    async def _wait(self) -> None:
        if self.ended is not None:
            raise self.ended
        self._moved.clear()
        await self._moved.wait()

    def _end(self, why: OSError) -> None:
        self.ended = self.ended or why
        self._moved.set()
        self._transport.close()
