"""Cut the raw bytes of an event stream into the payloads of its events.

Pure, incremental, bounded in line, event and total length. Knows nothing of what a payload means.
"""

from collections.abc import Iterator

MAX_EVENT = 1 << 20
"""Bytes of one line, and of one event's payload."""
MAX_TOTAL = 32 << 20


class StreamTooLarge(Exception):
    """A line, an event or the whole stream is longer than any honest one."""


class EventStream:
    """Feed it chunks as they come; it gives the `data` of each complete event.

    Lines end in LF, CRLF or CR; several `data:` lines of an event are joined by LF; comments and
    other fields are skipped (https://html.spec.whatwg.org/multipage/server-sent-events.html).
    """

    def __init__(self) -> None:
        self._rest = b""
        """The beginning of a line that has not ended."""
        self._data: list[bytes] = []
        self._size = 0
        self._total = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Events that `chunk` completes; raises StreamTooLarge."""
        self._total += len(chunk)
        if self._total > MAX_TOTAL:
            raise StreamTooLarge(f"the stream is longer than {MAX_TOTAL} bytes")
        held = self._rest + chunk if self._rest else chunk
        # A CR at the end may be the first half of a CRLF: it waits for the next chunk.
        waiting = held.endswith(b"\r")
        lines = _lines(held[:-1] if waiting else held)
        self._rest = lines.pop() + b"\r" * waiting
        for line in lines:
            event = self._line(line)
            if event is not None:
                yield event
        if len(self._rest) > MAX_EVENT:
            raise StreamTooLarge(f"a line is longer than {MAX_EVENT} bytes")

    def end(self) -> Iterator[bytes]:
        """The last event, where its final empty line is missing."""
        last, self._rest = self._rest.rstrip(b"\r"), b""
        for line in (last, b""):
            event = self._line(line)
            if event is not None:
                yield event

    def _line(self, line: bytes) -> bytes | None:
        """The event that this line ends."""
        if not line:
            if not self._data:
                return None
            event = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
            self._data, self._size = [], 0
            return event
        if line.startswith(b"data:"):
            value = line[6:] if line.startswith(b"data: ") else line[5:]
            self._size += len(value) + 1
            if self._size > MAX_EVENT:
                raise StreamTooLarge(f"an event is longer than {MAX_EVENT} bytes")
            self._data.append(value)
        return None


def _lines(held: bytes) -> list[bytes]:
    """Pieces between line ends; the last is what follows the last one."""
    if b"\r" in held:
        held = held.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return held.split(b"\n")
