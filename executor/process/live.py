"""Pass a command's output on while it runs, as text, in bounded portions.

What does not fit is dropped and said so: the result keeps head and tail of the whole.
"""

import asyncio
import codecs
from collections.abc import Callable
from typing import Literal

Stream = Literal["stdout", "stderr"]
Emit = Callable[[Stream, str], None]

PERIOD_S = 0.05
PORTION_MAX = 16 * 1024
"""Characters that are passed on in one period."""


class Live:
    """Joins what comes within a period; the first output goes out at once."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._decoders = {"stdout": _decoder(), "stderr": _decoder()}
        self._pending: list[tuple[Stream, str]] = []
        self._size = 0
        self._dropped = 0
        self._timer: asyncio.TimerHandle | None = None
        self._muted = False

    def feed(self, stream: Stream, chunk: bytes, *, final: bool = False) -> None:
        if self._muted:
            return
        text = self._decoders[stream].decode(chunk, final)
        shown = text[: PORTION_MAX - self._size]
        self._dropped += len(text) - len(shown)
        if not shown:
            return
        self._size += len(shown)
        self._pending.append((stream, shown))
        if self._timer is None:
            self._flush()

    def mute(self) -> None:
        """Pass nothing on any more: nobody watches."""
        self._pass_on()
        self._muted = True

    def close(self) -> None:
        self.feed("stdout", b"", final=True)
        self.feed("stderr", b"", final=True)
        if self._timer is not None:
            self._timer.cancel()
        self._pass_on()

    def _flush(self) -> None:
        self._timer = None
        if self._pass_on():
            self._timer = asyncio.get_running_loop().call_later(PERIOD_S, self._flush)

    def _pass_on(self) -> bool:
        """Emit what is pending, runs of one stream joined; false if there was nothing."""
        if not self._pending:
            return False
        if self._dropped:
            stream, _ = self._pending[-1]
            self._pending.append((stream, f"\n[{self._dropped:,} characters not shown live]\n"))
        run: list[str] = []
        for index, (stream, text) in enumerate(self._pending):
            run.append(text)
            if index + 1 == len(self._pending) or self._pending[index + 1][0] != stream:
                self._emit(stream, "".join(run))
                run.clear()
        self._pending.clear()
        self._size = self._dropped = 0
        return True


def _decoder() -> codecs.IncrementalDecoder:
    return codecs.getincrementaldecoder("utf-8")("replace")
