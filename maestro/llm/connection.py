"""One connection of HTTP/1.1 to a provider: a request, its answer as it comes, then the next one.

What has arrived is handed out in one piece, however many chunks it came in. Ends nothing by itself
for being slow.
"""

import asyncio
from typing import cast

import httptools

from maestro.llm.pacing import Pacing

MAX_HEAD = 64 * 1024
"""Bytes of one answer that are no body."""
MAX_UNREAD = 256 * 1024
"""Bytes of a body that wait to be read; above, the provider has to wait."""
UNPACED_READS = 4
"""Pieces of a paced answer that are handed out as they come: what is first shown is among them."""


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
            if self.is_whole:
                self.is_clean = False  # it stands behind the answer, as above
                return
            raise ConnectionError(f"this is not HTTP: {error}") from error
        if len(self.waiting) == unread:
            self._beside += len(data)
        if self._beside > MAX_HEAD:
            raise ConnectionError(f"more than {MAX_HEAD} bytes that are no body")

    def ends_with_connection(self) -> bool:
        """Nothing in it says where it ends."""
        chunked = "chunked" in self.headers.get("transfer-encoding", "")
        return self.has_head and not chunked and self.is_open_ended()

    def is_open_ended(self) -> bool:
        """Its length is not told: it is written while it comes."""
        return "content-length" not in self.headers

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
        self.heard_at = 0.0
        """When something came on the loop's clock, or the provider was let go on."""
        self.kept_since = 0.0
        self._loop = asyncio.get_running_loop()
        self._clock = self._loop.time
        self._reader: asyncio.Future[None] | None = None
        """Who waits for something to come, or to end."""
        self._is_paused = False
        self._arrived: list[bytes] = []
        self._arrived_bytes = 0
        """Of what was not parsed yet."""
        self._pacing: Pacing | None = None
        self._due = 0.0
        self._unpaced = 0
        self._is_expected = False
        """A beat will come for what has arrived."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.is_silent = False
        self.heard_at = now = self._clock()
        self._arrived.append(data)
        self._arrived_bytes += len(data)
        if self._pacing is None or now >= self._due or self._is_full() or _may_end(data):
            self._hand_out()
        elif not self._is_expected:
            self._is_expected = True
            self._pacing.at(self._due, self._hand_out)

    def connection_lost(self, exc: Exception | None) -> None:
        self._hand_out()
        if exc is None and self.answer.ends_with_connection():
            self.answer.is_whole = True
        self.end(exc if isinstance(exc, OSError) else ConnectionResetError("it was closed"))

    def ask(self, request: bytes) -> None:
        self.answer, self.is_silent, self._pacing = Answer(), True, None
        self._transport.write(request)

    def pace(self, pacing: Pacing) -> None:
        """From here to the end of the answer, hand out what comes at the times of `pacing`.

        The first pieces, and what may be the last one, are handed out as they come.
        """
        self._pacing, self._unpaced, self._due = pacing, UNPACED_READS, 0.0

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
            self.heard_at = self._clock()
            self._transport.resume_reading()
        if self._unpaced > 0:
            self._unpaced -= 1
        elif self._pacing is not None:
            self._due = self._clock() + self._pacing.interval()
        return body

    def is_waited_for(self) -> bool:
        """It is the provider's turn: the answer is not whole, and whatever it sends is read."""
        return not self.answer.is_whole and not self._is_paused

    def may_be_kept(self) -> bool:
        is_clean = self.answer.is_clean and not self._arrived
        return self.answer.is_whole and is_clean and self.ended is None

    def end(self, why: OSError) -> None:
        """What has arrived can still be read; then `why` is raised."""
        self._hand_out()
        self.ended = self.ended or why
        _wake(self._reader)
        self._transport.close()

    def close(self) -> None:
        self._transport.abort()

    async def _wait(self) -> None:
        if self.ended is not None:
            raise self.ended
        self._reader = self._loop.create_future()
        await self._reader

    def _hand_out(self) -> None:
        """Parse what has arrived, and wake the reader."""
        self._is_expected = False
        if not self._arrived or self.ended is not None:
            return
        pieces, self._arrived, self._arrived_bytes = self._arrived, [], 0
        try:
            self.answer.feed(pieces[0] if len(pieces) == 1 else b"".join(pieces))
        except ConnectionError as error:
            self.end(error)
            return
        if self._is_full() and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()
        _wake(self._reader)

    def _is_full(self) -> bool:
        return self._arrived_bytes + len(self.answer.waiting) > MAX_UNREAD


def _wake(reader: "asyncio.Future[None] | None") -> None:
    if reader is not None and not reader.done():
        reader.set_result(None)


def _may_end(data: bytes) -> bool:
    """Nothing has to follow: these are the ends of an event stream and of a chunked body."""
    return data.endswith(b"0\r\n\r\n") or b"[DONE]" in data
